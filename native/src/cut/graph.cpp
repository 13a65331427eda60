#include "graph.hpp"

#include "blocks.hpp"
#include "disjoint_sets.hpp"
#include "edge_list.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace intarsia::cut {
namespace {

constexpr Node block_nodes = 8192;

Blocks blocks_of(const Graph& graph) { return {graph.num_nodes, std::max(1, graph.num_nodes / block_nodes)}; }

// Pairs of sets to be joined, without most of the repetitions.
class Pairs {
  public:
    void add(Node a, Node b) {
        std::pair<Node, Node>& seen =
            seen_[(31 * static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b)) % seen_.size()];
        if (seen == std::pair(a, b)) return;
        seen = {a, b};
        pairs.push_back(seen);
    }
    std::vector<std::pair<Node, Node>> pairs;

  private:
    std::array<std::pair<Node, Node>, 256> seen_{}; // (0, 0) is no pair
};

// cost(i) of all nodes, summed up block by block.
template <class NodeCost> double sum_of(const Graph& graph, Workers& workers, const NodeCost& cost) {
    const Blocks blocks = blocks_of(graph);
    std::vector<double> sums(blocks.count, 0);
    workers.run(sums.size(), [&](std::size_t b, std::size_t) {
        double sum = 0;
        for (Node i = blocks.first(b); i < blocks.first(b + 1); ++i) sum += cost(i);
        sums[b] = sum;
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

} // namespace

NeighbourLists::NeighbourLists(Node num_nodes) {
    graph_.num_nodes = num_nodes;
    graph_.first.assign(std::size_t{2} * num_nodes + 1, 0);
    begin_ = graph_.first.data() + 1;
}

void NeighbourLists::make_room() {
    const std::ptrdiff_t num_lists = std::ptrdiff_t{2} * graph_.num_nodes;
    const std::int64_t length = std::accumulate(begin_, begin_ + num_lists, std::int64_t{0});
    std::exclusive_scan(begin_, begin_ + num_lists, begin_, std::int64_t{0});
    graph_.neighbours.resize(length);
    neighbours_ = graph_.neighbours.data();
}

Graph NeighbourLists::graph(Class num_classes, std::span<const float> node_costs) && {
    graph_.num_classes = num_classes;
    graph_.node_costs = node_costs;
    return std::move(graph_);
}

Graph make_graph(Node num_nodes, Class num_classes, std::span<const float> node_costs,
                 std::span<const Node> ends, std::span<const float> edge_costs) {
    Workers alone;
    return make_graph(num_nodes, num_classes, node_costs, ends, edge_costs, alone);
}

Graph make_graph(Node num_nodes, Class num_classes, std::span<const float> node_costs,
                 std::span<const Node> ends, std::span<const float> edge_costs, Workers& workers) {
    const EdgeList edges(ends, num_nodes, workers);
    NeighbourLists lists(num_nodes);
    const auto for_ends = [&](const auto& visit) {
        workers.run(edges.num_blocks(), [&](std::size_t b, std::size_t) { edges.for_ends(b, visit); });
    };
    for_ends([&](Node i, Node j, std::size_t) { lists.count(i, j); });
    lists.make_room();
    for_ends([&](Node i, Node j, std::size_t e) { lists.add(i, j, edge_costs[e]); });
    return std::move(lists).graph(num_classes, node_costs);
}

Partition connected_parts(const Graph& graph, std::span<const std::int32_t> ids) {
    Workers alone;
    return connected_parts(graph, ids, alone);
}

Partition connected_parts(const Graph& graph, std::span<const std::int32_t> ids, Workers& workers) {
    DisjointSets pieces(graph.num_nodes);
    const Blocks blocks = workers.count() > 1 ? blocks_of(graph) : Blocks{graph.num_nodes};
    workers.run(blocks.count, [&](std::size_t b, std::size_t) { // what a block holds is its own
        const Node end = blocks.first(b + 1);
        for (Node i = blocks.first(b); i < end; ++i) {
            Node root = i;
            for (const auto& [j, cost] : graph.higher_neighbours_of(i))
                if (j < end && ids[i] == ids[j]) root = pieces.join(root, j);
        }
        for (Node i = blocks.first(b); i < end; ++i) pieces.find(i);
    });
    std::vector<Pairs> between(blocks.count - 1); // nothing lies beyond the last block
    workers.run(between.size(), [&](std::size_t b, std::size_t) {
        const Node end = blocks.first(b + 1);
        for (Node i = blocks.first(b); i < end; ++i)
            for (const auto& [j, cost] : graph.higher_neighbours_of(i))
                if (j >= end && ids[i] == ids[j]) between[b].add(pieces.root(i), pieces.root(j));
    });
    for (const Pairs& block : between)
        for (const auto& [a, b] : block.pairs) pieces.join(a, b);
    Partition parts;
    parts.count = pieces.number(parts.part_of);
    return parts;
}

Cut make_cut(const Graph& graph, const Splittable& splittable, std::span<const Class> classes,
             std::span<const Cluster> clusters) {
    const Labels z = labels_of(splittable, classes, clusters);
    Cut cut;
    cut.classes.assign(classes.begin(), classes.end());
    cut.clusters = connected_parts(graph, z.of).part_of;
    cut.cost = cost_of(graph, cut.classes, cut.clusters);
    return cut;
}

double cost_of(const Graph& graph, std::span<const Class> classes, std::span<const Cluster> clusters) {
    Workers alone;
    return sum_of(graph, alone, [&](Node i) {
        double cost = graph.costs_of(i)[classes[i]];
        for (const auto& [j, edge] : graph.higher_neighbours_of(i))
            cost += clusters[i] != clusters[j] ? edge : 0;
        return cost;
    });
}

double cost_of(const Graph& graph, const Labels& z, Workers& workers) {
    return sum_of(graph, workers, [&](Node i) {
        double cost = graph.costs_of(i)[z.class_at(i)];
        for (const auto& [j, edge] : graph.higher_neighbours_of(i)) cost += z.of[i] != z.of[j] ? edge : 0;
        return cost;
    });
}

double cost_of(const Graph& graph, const Labels& z) {
    Workers alone;
    return cost_of(graph, z, alone);
}

} // namespace intarsia::cut
