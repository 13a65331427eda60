#include "aggregate.hpp"

#include "edge_sums.hpp"

namespace intarsia::cut {

Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts) {
    const auto num_classes = static_cast<std::size_t>(graph.num_classes);
    std::vector<double> costs(static_cast<std::size_t>(num_parts) * num_classes, 0);
    EdgeSums edges;
    for (Node i = 0; i < graph.num_nodes; ++i) {
        const std::int32_t part = part_of[static_cast<std::size_t>(i)];
        for (std::size_t k = 0; k < num_classes; ++k)
            costs[static_cast<std::size_t>(part) * num_classes + k] += graph.costs_of(i)[k];
        for (const auto& [j, cost] : graph.neighbours_of(i))
            if (i < j && part != part_of[static_cast<std::size_t>(j)]) edges.add(part, part_of[static_cast<std::size_t>(j)], cost);
    }
    return edges.to_graph(num_parts, graph.num_classes, costs);
}

} // namespace intarsia::cut
