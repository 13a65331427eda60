#include "check.hpp"
#include "cut/aggregate.hpp"
#include "cut/edge_list.hpp"
#include "cut/graph.hpp"

#include <algorithm>
#include <map>
#include <random>

using namespace intarsia::cut;

namespace {

struct EdgeTable {
    Node num_nodes;
    std::vector<Node> ends;
    std::vector<float> costs;

    void add(Node i, Node j) {
        ends.insert(ends.end(), {i, j});
        costs.push_back(static_cast<float>(costs.size() % 97) - 40); // whole numbers add up exactly
    }
    Graph graph(Workers& workers) const { return make_graph(num_nodes, 0, {}, ends, costs, workers); }
};

// Two offsets of a grid, one after the other: every chunk holds few nodes.
EdgeTable in_order(Node num_nodes) {
    EdgeTable edges{num_nodes, {}, {}};
    for (const Node step : {1, 300})
        for (Node i = 0; i + step < num_nodes; ++i) edges.add(i + step * (i % 2), i + step * (1 - i % 2));
    return edges;
}

// No order at all: every chunk holds nodes of all numbers.
EdgeTable out_of_order(Node num_nodes) {
    EdgeTable edges{num_nodes, {}, {}};
    std::mt19937 random(3);
    const auto draw = [&] { return static_cast<Node>(random() % static_cast<unsigned>(num_nodes)); };
    while (edges.costs.size() < 60000)
        if (const Node i = draw(), j = draw(); i != j) edges.add(i, j);
    return edges;
}

// A hub at which all edges end.
EdgeTable star(Node num_nodes) {
    EdgeTable edges{num_nodes, {}, {}};
    for (Node i = 0; i < num_nodes; ++i)
        if (i != num_nodes / 2) edges.add(i, num_nodes / 2);
    return edges;
}

std::vector<std::pair<Node, float>> sorted(std::span<const Neighbour> neighbours) {
    std::vector<std::pair<Node, float>> pairs;
    for (const auto& [node, cost] : neighbours) pairs.push_back({node, cost});
    std::sort(pairs.begin(), pairs.end());
    return pairs;
}

} // namespace

TEST(every_edge_is_listed_at_both_ends_lower_neighbours_first) {
    Workers alone, four(4);
    for (const EdgeTable& edges : {in_order(20000), out_of_order(5000), star(30000)}) {
        std::vector<std::vector<std::pair<Node, float>>> expected(edges.num_nodes);
        for (std::size_t e = 0; e < edges.costs.size(); ++e)
            for (const std::size_t side : {0, 1})
                expected[edges.ends[2 * e + side]].push_back({edges.ends[2 * e + 1 - side], edges.costs[e]});
        const Graph graph = edges.graph(alone), same = edges.graph(four);
        CHECK(graph.first == same.first);
        for (Node i = 0; i < edges.num_nodes; ++i) {
            std::sort(expected[i].begin(), expected[i].end());
            CHECK(sorted(graph.neighbours_of(i)) == expected[i]);
            for (const auto& [j, cost] : graph.lower_neighbours_of(i)) CHECK(j < i);
            for (const auto& [j, cost] : graph.higher_neighbours_of(i)) CHECK(j > i);
        }
        CHECK(std::equal(
            graph.neighbours.begin(), graph.neighbours.end(), same.neighbours.begin(),
            [](const Neighbour& a, const Neighbour& b) { return a.node == b.node && a.cost == b.cost; }));
    }
}

TEST(edges_in_the_order_of_their_nodes_make_more_blocks_than_others) {
    Workers alone;
    const EdgeTable ordered = in_order(100000), shuffled = out_of_order(100000);
    CHECK(EdgeList(ordered.ends, ordered.num_nodes, alone).num_blocks() > 10);
    CHECK(EdgeList(shuffled.ends, shuffled.num_nodes, alone).num_blocks() <= 2);
    CHECK(EdgeList({}, 3, alone).num_blocks() == 1);
}

TEST(edges_between_parts_add_up_however_parts_and_nodes_are_numbered) {
    Workers alone, three(3);
    const EdgeTable edges = out_of_order(3000);
    const Graph graph = edges.graph(alone);
    std::vector<std::int32_t> in_runs(3000), in_turns(3000), backwards(3000);
    for (std::int32_t i = 0; i < 3000; ++i)
        in_runs[i] = i / 7, in_turns[i] = i % 400, backwards[i] = (2999 - i) / 9;
    for (const std::vector<std::int32_t>& part_of : {in_runs, in_turns, backwards}) {
        const std::int32_t num_parts = 1 + *std::max_element(part_of.begin(), part_of.end());
        std::map<std::pair<Node, Node>, float> expected;
        for (std::size_t e = 0; e < edges.costs.size(); ++e) {
            const Node a = part_of[edges.ends[2 * e]], b = part_of[edges.ends[2 * e + 1]];
            if (a != b) expected[{std::min(a, b), std::max(a, b)}] += edges.costs[e];
        }
        for (Workers* workers : {&alone, &three}) {
            std::map<std::pair<Node, Node>, float> sums;
            for (const PartEdges& block : edges_between(graph, part_of, num_parts, *workers))
                for (std::size_t e = 0; e < block.costs.size(); ++e)
                    CHECK(sums.insert({{block.ends[2 * e], block.ends[2 * e + 1]}, block.costs[e]}).second);
            CHECK(sums == expected);
        }
    }
}
