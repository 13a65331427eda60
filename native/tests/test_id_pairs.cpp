#include "check.hpp"
#include "metrics/id_pairs.hpp"

#include <array>
#include <map>
#include <utility>

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

TEST(many_pairs_in_pieces_are_counted_like_a_map) {
    std::vector<std::int32_t> first, second;
    for (std::int32_t i = 0; i < 5000; ++i) {
        first.push_back(i % 700);
        second.push_back((i * 7) % 90);
    }
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> want;
    for (std::size_t i = 0; i < first.size(); ++i) ++want[{first[i], second[i]}];
    PairCounter counter;
    counter.add(std::span(first).first(1234), std::span(second).first(1234));
    counter.add(std::span(first).subspan(1234), std::span(second).subspan(1234));
    const auto pairs = counter.pairs();
    CHECK(pairs.size() == want.size());
    auto expected = want.begin();
    for (const auto& [a, b, count] : pairs) {
        CHECK(expected->first == std::pair(a, b) && expected->second == count);
        ++expected;
    }
}
