#include "check.hpp"
#include "cut/graph.hpp"
#include "cut/optimal.hpp"
#include "cut/solve.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

using namespace intarsia::cut;

namespace {

// An image of noisy squares with offsets near, far and backwards.
struct Image {
    std::vector<float> node_costs, edge_costs;
    std::vector<Offset> offsets{{0, 1}, {1, 0}, {0, -3}, {5, 2}};
    Splittable splittable;
    std::int32_t height, width;

    Image(unsigned seed, std::int32_t rows, std::int32_t cols, Class classes) : height(rows), width(cols) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal;
        for (Class k = 0; k < classes; ++k) splittable.in_p.push_back(random() % 2);
        const auto block = [](std::int32_t row, std::int32_t col) { return row / 11 * 7 + col / 13; };
        for (Class k = 0; k < classes; ++k)
            for (std::int32_t p = 0; p < rows * cols; ++p)
                node_costs.push_back(normal(random) + (block(p / cols, p % cols) % classes == k ? 0.0f : 2.0f));
        for (const auto& [r, c] : offsets)
            for (std::int32_t p = 0; p < rows * cols; ++p)
                edge_costs.push_back(normal(random) + (block(p / cols, p % cols) == block(p / cols + r, p % cols + c) ? 1.5f : -1.5f));
    }
    Grid grid() const { return {height, width, splittable.size(), node_costs, edge_costs, offsets}; }
};

bool feasible(const Graph& graph, const Splittable& splittable, const Cut& cut) {
    for (Node i = 0; i < graph.num_nodes; ++i)
        for (const auto& [j, cost] : graph.neighbours_of(i)) {
            const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
            const bool together = cut.clusters[a] == cut.clusters[b], alike = cut.labels[a] == cut.labels[b];
            if ((together && !alike) || (alike && !together && !splittable[cut.labels[a]])) return false;
        }
    return true;
}

} // namespace

TEST(greedy_answers_on_images_are_feasible_and_cost_what_they_say) {
    for (unsigned seed = 0; seed < 24; ++seed) {
        const Image image(seed, 1 + static_cast<std::int32_t>(seed * 7 % 61), 1 + static_cast<std::int32_t>(seed * 13 % 53), 1 + static_cast<Class>(seed % 5));
        const Graph graph = graph_of(image.grid());
        for (const bool refine : {false, true}) {
            const Solution found = solve(image.grid(), image.splittable, {Solver::greedy, refine, 1, static_cast<std::int32_t>(seed % 3 * 5)});
            CHECK(feasible(graph, image.splittable, found.cut));
            CHECK(std::abs(found.cut.cost - cost_of(graph, found.cut.labels, found.cut.clusters)) < 1e-3);
        }
    }
}

TEST(greedy_answers_do_not_depend_on_threads_or_company) {
    const Image image(3, 90, 120, 4);
    const Solution alone = solve(image.grid(), image.splittable, {});
    std::vector<Solution> together(4);
    std::vector<std::jthread> callers;
    for (std::size_t t = 0; t < together.size(); ++t)
        callers.emplace_back([&, t] { together[t] = solve(image.grid(), image.splittable, {Solver::greedy, false, static_cast<int>(t) + 1}); });
    callers.clear();
    for (const Solution& other : together) {
        CHECK(other.cut.cost == alone.cut.cost);
        CHECK(other.cut.clusters == alone.cut.clusters);
    }
}

TEST(no_attraction_at_all_leaves_every_pixel_of_a_splittable_class_alone) {
    Image image(1, 70, 70, 1);
    image.splittable.in_p = {1};
    std::fill(image.edge_costs.begin(), image.edge_costs.end(), -1.0f);
    const Solution found = solve(image.grid(), image.splittable, {});
    CHECK(*std::max_element(found.cut.clusters.begin(), found.cut.clusters.end()) == 70 * 70 - 1);
}
