#include "check.hpp"
#include "id_map.hpp"

#include <array>

using namespace intarsia;

TEST(ids_are_counted_across_runs) {
    const std::array<std::int32_t, 6> ids{5, 5, 0, 5, -1, -1};
    const auto counts = count_ids(ids);
    CHECK(counts.size() == 3);
    CHECK(counts[0].id == -1 && counts[0].count == 2);
    CHECK(counts[2].id == 5 && counts[2].count == 3);
}

TEST(relabel_sends_unknown_ids_to_other) {
    const std::array<std::int32_t, 4> ids{7, 7, 3, 9};
    const std::array<std::int32_t, 2> keys{7, 9};
    const std::array<std::int32_t, 2> values{1, 2};
    CHECK((relabel(ids, keys, values, 255) == std::vector<std::int32_t>{1, 1, 255, 2}));
}

TEST(an_empty_map_relabels_to_an_empty_map) {
    CHECK(relabel({}, {}, {}, 0).empty() && count_ids({}).empty());
}
