#include "check.hpp"
#include "layers/lifted_cut.hpp"

#include <array>
#include <random>

using namespace intarsia::layers;
using intarsia::cut::Offset;

namespace {

struct RandomLifted {
    static constexpr std::size_t planes = 3;
    std::vector<Offset> offsets{{0, 0, 1}, {0, 1, 0}, {0, 2, -3}};
    std::vector<float> node_costs, edge_costs, gradient;
    std::vector<Class> class_of{0, 1, 1, 2, 2};
    std::vector<std::int32_t> plane_of{0, 1, 2, -1, -1};
    std::vector<Label> start;
    Grid grid;

    RandomLifted(unsigned seed, std::int32_t height, std::int32_t width) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal;
        const auto pixels = static_cast<std::size_t>(height * width);
        for (std::size_t i = 0; i < 3 * pixels; ++i) node_costs.push_back(normal(random));
        for (std::size_t i = 0; i < 3 * pixels; ++i) edge_costs.push_back(normal(random));
        for (std::size_t i = 0; i < planes * pixels; ++i) gradient.push_back(normal(random));
        for (std::size_t i = 0; i < pixels; ++i)
            start.push_back(static_cast<Label>(random() % class_of.size()));
        grid = {1, height, width, 3, node_costs, edge_costs, offsets};
    }
    LiftedLabels labels() const { return {class_of, plane_of, gradient}; }
};

} // namespace

TEST(a_lifted_cut_costs_no_more_than_its_start_and_is_stable) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        const RandomLifted problem(seed, static_cast<std::int32_t>(1 + seed % 7),
                                   static_cast<std::int32_t>(1 + seed % 11));
        const float lambda = static_cast<float>(seed % 5);
        const std::vector<Label> z = solve_lifted(problem.grid, problem.labels(), lambda, problem.start);
        const double before = lifted_cost(problem.grid, problem.labels(), lambda, problem.start);
        CHECK(lifted_cost(problem.grid, problem.labels(), lambda, z) <= before + 1e-4);
        CHECK(solve_lifted(problem.grid, problem.labels(), lambda, z) == z);
    }
}

TEST(differences_cancel_when_they_are_taken_both_ways) {
    const RandomLifted problem(1, 6, 8);
    const std::vector<Label> z = solve_lifted(problem.grid, problem.labels(), 2, problem.start);
    std::vector<float> nodes(problem.node_costs.size(), 0.0f), edges(problem.edge_costs.size(), 0.0f);
    const CostGradients gradients{nodes, edges};
    add_differences(problem.grid, problem.class_of, problem.start, z, {}, 0.5f, gradients);
    CHECK(nodes != std::vector<float>(nodes.size(), 0.0f));
    add_differences(problem.grid, problem.class_of, z, problem.start, {}, 0.5f, gradients);
    CHECK(nodes == std::vector<float>(nodes.size(), 0.0f) && edges == std::vector<float>(edges.size(), 0.0f));
}

TEST(pieces_of_a_label_are_numbered_by_their_first_pixels) {
    const std::vector<Offset> offsets{{0, 0, 1}};
    const Grid grid{1, 1, 5, 0, {}, {}, offsets};
    const std::array<Label, 5> z{4, 4, 0, 4, 0};
    CHECK((connected_pieces(grid, z) == std::vector<std::int32_t>{0, 0, 1, 2, 3}));
}
