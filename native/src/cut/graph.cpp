#include "graph.hpp"

#include "disjoint_sets.hpp"

namespace intarsia::cut {

Graph make_graph(Node num_nodes, Class num_classes, std::span<const float> node_costs,
                 std::span<const Node> ends, std::span<const float> edge_costs) {
    Graph graph;
    graph.num_nodes = num_nodes;
    graph.num_classes = num_classes;
    graph.node_costs = node_costs;
    graph.first.assign(num_nodes + 2, 0);
    for (const Node i : ends) ++graph.first[i + 2];
    for (std::size_t i = 2; i < graph.first.size(); ++i) graph.first[i] += graph.first[i - 1];
    graph.neighbours.resize(ends.size());
    for (std::size_t e = 0; e < edge_costs.size(); ++e) { // first[i + 1] runs from the start of i to its end
        const Node i = ends[2 * e], j = ends[2 * e + 1];
        graph.neighbours[graph.first[i + 1]++] = {j, edge_costs[e]};
        graph.neighbours[graph.first[j + 1]++] = {i, edge_costs[e]};
    }
    graph.first.pop_back();
    return graph;
}

Partition connected_parts(const Graph& graph, std::span<const std::int32_t> ids) {
    DisjointSets pieces(graph.num_nodes);
    for (Node i = 0; i < graph.num_nodes; ++i)
        for (const auto& [j, cost] : graph.neighbours_of(i))
            if (i < j && ids[i] == ids[j]) pieces.join(i, j);
    Partition parts;
    parts.count = pieces.number(parts.part_of);
    return parts;
}

Cut make_cut(const Graph& graph, const Splittable& splittable, std::span<const Class> labels,
             std::span<const Cluster> clusters) {
    const Labels z = labels_of(splittable, labels, clusters);
    Cut cut;
    cut.labels.assign(labels.begin(), labels.end());
    cut.clusters = connected_parts(graph, z.of).part_of;
    cut.cost = cost_of(graph, cut.labels, cut.clusters);
    return cut;
}

double cost_of(const Graph& graph, std::span<const Class> labels, std::span<const Cluster> clusters) {
    double total = 0;
    for (Node i = 0; i < graph.num_nodes; ++i) {
        const auto a = static_cast<std::size_t>(i);
        total += graph.costs_of(i)[labels[a]];
        for (const auto& [j, cost] : graph.neighbours_of(i))
            if (i < j && clusters[a] != clusters[j]) total += cost;
    }
    return total;
}

} // namespace intarsia::cut
