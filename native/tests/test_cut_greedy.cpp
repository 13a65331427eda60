#include "check.hpp"
#include "cut/coarse.hpp"
#include "cut/graph.hpp"
#include "cut/local_moves.hpp"
#include "cut/optimal.hpp"
#include "cut/solve.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>

using namespace intarsia::cut;

namespace {

// An image of noisy squares with offsets near, far and backwards.
struct Image {
    std::vector<float> node_costs, edge_costs;
    std::vector<Offset> offsets{{0, 0, 1}, {0, 1, 0}, {0, 0, -3}, {0, 5, 2}};
    Splittable splittable;
    std::int32_t height, width;

    Image(unsigned seed, std::int32_t rows, std::int32_t cols, Class classes) : height(rows), width(cols) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal;
        for (Class k = 0; k < classes; ++k) splittable.in_p.push_back(random() % 2);
        const auto block = [](std::int32_t row, std::int32_t col) { return row / 11 * 7 + col / 13; };
        for (Class k = 0; k < classes; ++k)
            for (std::int32_t p = 0; p < rows * cols; ++p)
                node_costs.push_back(normal(random) +
                                     (block(p / cols, p % cols) % classes == k ? 0.0f : 2.0f));
        for (const auto& [planes, r, c] : offsets)
            for (std::int32_t p = 0; p < rows * cols; ++p)
                edge_costs.push_back(
                    normal(random) +
                    (block(p / cols, p % cols) == block(p / cols + r, p % cols + c) ? 1.5f : -1.5f));
    }
    Grid grid() const { return {1, height, width, splittable.size(), node_costs, edge_costs, offsets}; }
};

bool feasible(const Graph& graph, const Splittable& splittable, const Cut& cut) {
    for (Node i = 0; i < graph.num_nodes; ++i)
        for (const auto& [j, cost] : graph.neighbours_of(i)) {
            const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
            const bool together = cut.clusters[a] == cut.clusters[b],
                       alike = cut.classes[a] == cut.classes[b];
            if ((together && !alike) || (alike && !together && !splittable[cut.classes[a]])) return false;
        }
    return true;
}

} // namespace

TEST(greedy_answers_on_images_are_feasible_and_cost_what_they_say) {
    for (unsigned seed = 0; seed < 24; ++seed) {
        const Image image(seed, 1 + static_cast<std::int32_t>(seed * 7 % 61),
                          1 + static_cast<std::int32_t>(seed * 13 % 53), 1 + static_cast<Class>(seed % 5));
        const Graph graph = graph_of(image.grid());
        for (const bool refine : {false, true}) {
            const Solution solution =
                solve(image.grid(), image.splittable,
                      {Solver::greedy, refine, 1, static_cast<std::int32_t>(seed % 3 * 5)});
            CHECK(feasible(graph, image.splittable, solution.cut));
            CHECK(std::abs(solution.cut.cost - cost_of(graph, solution.cut.classes, solution.cut.clusters)) <
                  1e-3);
        }
    }
}

TEST(greedy_answers_do_not_depend_on_threads_or_company) {
    const Image image(3, 90, 120, 4);
    const Solution alone = solve(image.grid(), image.splittable, {});
    std::vector<Solution> together(4);
    {
        intarsia::JoinedThreads callers;
        for (std::size_t t = 0; t < together.size(); ++t)
            CHECK(callers.start([&, t] {
                together[t] =
                    solve(image.grid(), image.splittable, {Solver::greedy, false, static_cast<int>(t) + 1});
            }));
    }
    for (const Solution& other : together) {
        CHECK(other.cut.cost == alone.cut.cost);
        CHECK(other.cut.clusters == alone.cut.clusters);
    }
}

TEST(moves_side_by_side_never_raise_the_cost_and_do_not_depend_on_the_threads) {
    for (unsigned seed = 0; seed < 4; ++seed) { // 200 x 170 pixels are two stretches
        Image image(seed, 200, 170, 3);
        image.offsets = {{0, 0, 1}, {0, 1, 0}, {0, 100, 0}, {0, -60, 7}};
        for (float& cost : image.edge_costs) cost *= 3; // much to disagree about
        const Grid grid = image.grid();
        const Graph graph = graph_of(grid);
        std::vector<Class> classes;
        std::mt19937 random(seed);
        for (std::size_t p = 0; p < grid.num_pixels(); ++p)
            classes.push_back(static_cast<Class>(random() % 3));
        const Labels start = labels_of(image.splittable, classes);
        std::vector<Label> alone;
        for (const int threads : {1, 2, 5}) {
            Workers workers(threads);
            Labels z = start;
            move_locally(grid, image.splittable, cheapest_classes(grid, image.splittable, workers), z,
                         Deadline(), workers);
            CHECK(cost_of(graph, z) < cost_of(graph, start));
            if (threads == 1) alone = z.of;
            CHECK(z.of == alone);
        }
    }
}

TEST(every_piece_of_work_is_done_once_by_some_worker) {
    Workers workers(3);
    for (std::size_t count = 0; count < 50; ++count) {
        std::vector<std::atomic<int>> done(count);
        workers.run(count, [&](std::size_t piece, std::size_t worker) {
            CHECK(worker < workers.count());
            ++done[piece];
        });
        for (const auto& times : done) CHECK(times == 1);
    }
}

TEST(solving_stops_at_the_deadline_with_a_feasible_answer) {
    const Image image(5, 120, 140, 3);
    const Graph graph = graph_of(image.grid());
    for (const Solver solver : {Solver::greedy, Solver::contraction, Solver::lazy_contraction})
        for (const double limit_s : {1e-6, 3e-3, 2e-2}) {
            const Solution solution =
                solve(image.grid(), image.splittable,
                      {.solver = solver, .refine = true, .threads = 2, .deadline = Deadline(limit_s)});
            CHECK(feasible(graph, image.splittable, solution.cut));
            CHECK(std::abs(solution.cut.cost - cost_of(graph, solution.cut.classes, solution.cut.clusters)) <
                  1e-3);
        }
}

TEST(odd_costs_offsets_and_sizes_give_feasible_answers) {
    std::mt19937 random(9);
    const float sizes[] = {0.0f, 1e-30f, 1.0f, 1e6f, 1e30f};
    for (int trial = 0; trial < 150; ++trial) {
        const auto draw = [&](unsigned end) { return static_cast<std::int32_t>(random() % end); };
        Image image(static_cast<unsigned>(trial), 1 + draw(40), 1 + draw(40), 1 + draw(4));
        image.offsets.clear();
        for (std::int32_t o = draw(5); o > 0; --o) image.offsets.push_back({0, draw(90) - 45, draw(90) - 45});
        std::erase_if(image.offsets,
                      [](const Offset& offset) { return offset.rows == 0 && offset.cols == 0; });
        image.edge_costs.resize(image.offsets.size() * static_cast<std::size_t>(image.height) *
                                    static_cast<std::size_t>(image.width),
                                -0.5f);
        for (float& cost : image.edge_costs) cost *= sizes[draw(5)];
        const float node_size = sizes[draw(5)];
        for (float& cost : image.node_costs) cost *= node_size;
        const Options options{trial % 3 == 0 ? Solver::contraction : Solver::greedy, trial % 2 == 0,
                              1 + trial % 3, draw(6)};
        const Solution solution = solve(image.grid(), image.splittable, options);
        CHECK(feasible(graph_of(image.grid()), image.splittable, solution.cut));
    }
}

TEST(no_attraction_at_all_leaves_every_pixel_of_a_splittable_class_alone) {
    Image image(1, 70, 70, 1);
    image.splittable.in_p = {1};
    std::fill(image.edge_costs.begin(), image.edge_costs.end(), -1.0f);
    const Solution solution = solve(image.grid(), image.splittable, {});
    CHECK(*std::max_element(solution.cut.clusters.begin(), solution.cut.clusters.end()) == 70 * 70 - 1);
}
