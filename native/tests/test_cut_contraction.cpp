#include "check.hpp"
#include "cut/contraction.hpp"
#include "cut/graph.hpp"
#include "cut/optimal.hpp"
#include "cut/pair_table.hpp"

#include <algorithm>
#include <array>
#include <random>

using namespace intarsia::cut;

namespace {

struct RandomProblem {
    Node num_nodes;
    Splittable splittable;
    std::vector<float> node_costs, edge_costs;
    std::vector<Node> ends;

    RandomProblem(unsigned seed, Node nodes, Class classes, std::size_t edges) : num_nodes(nodes) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal;
        for (Class k = 0; k < classes; ++k) splittable.in_p.push_back(random() % 2);
        for (Node i = 0; i < nodes * classes; ++i) node_costs.push_back(normal(random));
        while (nodes > 1 && edge_costs.size() < edges) {
            const Node i = static_cast<Node>(random() % static_cast<unsigned>(nodes));
            const Node j = static_cast<Node>(random() % static_cast<unsigned>(nodes));
            if (i == j) continue;
            ends.insert(ends.end(), {i, j});
            edge_costs.push_back(normal(random));
        }
    }
    Graph graph() const { return make_graph(num_nodes, splittable.size(), node_costs, ends, edge_costs); }
};

} // namespace

TEST(a_pair_table_keeps_the_first_value_of_a_pair_until_it_is_cleared) {
    PairTable table(28);
    for (Node i = 0; i < 8; ++i)
        for (Node j = i + 1; j < 8; ++j) CHECK(table.find_or_insert(i, j, 8 * i + j) == 8 * i + j);
    CHECK(!table.crowded());
    for (Node i = 0; i < 8; ++i)
        for (Node j = i + 1; j < 8; ++j) CHECK(table.find_or_insert(j, i, -1) == 8 * i + j);
    table.clear();
    CHECK(table.find_or_insert(1, 0, -1) == -1);
}

TEST(contraction_is_feasible_and_never_below_the_optimum) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        const RandomProblem problem(seed, static_cast<Node>(1 + seed % 9), static_cast<Class>(1 + seed % 4),
                                    seed % 23);
        const Graph graph = problem.graph();
        const Cut best = *solve_optimal(graph, problem.splittable);
        for (const Refresh refresh : {Refresh::full, Refresh::lazy}) {
            const Clustering clustering = contract(graph, refresh, Deadline());
            const Cut cut = make_cut(graph, problem.splittable, clustering.classes, clustering.clusters);
            CHECK(clustering.finished);
            CHECK(cut.cost >= best.cost - 1e-4);
        }
    }
}

TEST(contraction_of_larger_graphs_runs_to_its_end) {
    for (unsigned seed = 0; seed < 5; ++seed) {
        const RandomProblem problem(seed, 400, 5, 3000);
        const Graph graph = problem.graph();
        const Clustering clustering = contract(graph, Refresh::full, Deadline());
        const Cut cut = make_cut(graph, problem.splittable, clustering.classes, clustering.clusters);
        double alone = 0;
        for (Node i = 0; i < graph.num_nodes; ++i)
            alone += *std::min_element(graph.costs_of(i).begin(), graph.costs_of(i).end());
        for (const float cost : problem.edge_costs) alone += cost;
        CHECK(clustering.finished && cut.cost < alone);
    }
}
