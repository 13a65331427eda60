#include "check.hpp"
#include "cut/uniform_blocks.hpp"

#include <algorithm>
#include <array>
#include <vector>

using namespace intarsia::cut;

namespace {

// 4 x 6 points, two classes, pairs of neighbours; everything attracts at 2 and the first class is the
// cheaper.
struct Points {
    static constexpr std::int32_t height = 4, width = 6, count = height * width;
    std::array<Offset, 2> offsets{Offset{0, 0, 1}, Offset{0, 1, 0}};
    std::vector<float> node_costs = std::vector<float>(2 * count, 0);
    std::vector<float> edge_costs = std::vector<float>(2 * count, 2);

    Points() { std::fill(node_costs.begin() + count, node_costs.end(), 1.0f); }
    Grid grid() const { return {1, height, width, 2, node_costs, edge_costs, offsets}; }
};

} // namespace

TEST(points_that_agree_are_one_block_and_what_does_not_fit_is_smaller) {
    const std::vector<std::int32_t> expected{0, 0, 0, 0, 4,  4,  0, 0, 0, 0, 4,  4, //
                                             0, 0, 0, 0, 16, 16, 0, 0, 0, 0, 16, 16};
    CHECK(find_uniform_blocks(Points().grid()) == expected);
}

TEST(a_point_of_another_class_and_a_weak_pair_divide_their_block_alone) {
    Points points;
    points.node_costs[0] = 2;                                       // point 0 is of the second class
    points.edge_costs[Points::count + 2 * Points::width + 2] = 0.5; // between rows 2 and 3 in column 2
    const std::vector<std::int32_t> expected{0,  1,  2,  2,  4,  4,  6,  7,  2,  2,  4,  4, //
                                             12, 12, 14, 15, 16, 16, 12, 12, 20, 21, 16, 16};
    CHECK(find_uniform_blocks(points.grid()) == expected);
}

TEST(without_pairs_along_both_axes_every_point_is_alone) {
    Points points;
    points.offsets[1] = {0, 2, 0};
    const std::vector<std::int32_t> ids = find_uniform_blocks(points.grid());
    for (std::int32_t p = 0; p < Points::count; ++p) CHECK(ids[p] == p);
}
