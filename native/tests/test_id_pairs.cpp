#include "check.hpp"
#include "id_pairs.hpp"

#include <array>

using namespace intarsia;

TEST(id_pairs_of_two_runs_are_counted_and_sorted) {
    const std::array<std::int32_t, 5> first{2, 2, 1, 1, 2};
    const std::array<std::int32_t, 5> second{0, 0, 7, 7, 0};
    const auto pairs = count_id_pairs(first, second);
    CHECK(pairs.size() == 2);
    CHECK(pairs[0].first == 1 && pairs[0].second == 7 && pairs[0].count == 2);
    CHECK(pairs[1].first == 2 && pairs[1].second == 0 && pairs[1].count == 3);
}

TEST(id_pairs_of_empty_maps_are_none) { CHECK(count_id_pairs({}, {}).empty()); }
