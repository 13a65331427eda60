#include "aggregate.hpp"

#include "edge_sums.hpp"
#include "workers.hpp"

namespace intarsia::cut {

Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts) {
    Workers alone;
    return aggregate_blocks(graph, part_of, num_parts, {graph.num_nodes}, alone);
}

Graph aggregate_blocks(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts,
                       const Blocks& blocks, Workers& workers) {
    const auto num_classes = static_cast<std::size_t>(graph.num_classes);
    std::vector<double> costs(num_parts * num_classes, 0);
    std::vector<EdgeSums> edges(blocks.count);
    workers.run(blocks.count, [&](std::size_t b, std::size_t) {
        for (Node i = blocks.first(b); i < blocks.first(b + 1); ++i) {
            const std::int32_t part = part_of[i];
            for (std::size_t k = 0; k < num_classes; ++k)
                costs[part * num_classes + k] += graph.costs_of(i)[k];
            for (const auto& [j, cost] : graph.neighbours_of(i))
                if (i < j && part != part_of[j]) edges[b].add(part, part_of[j], cost);
        }
    });
    Graph coarse = graph_of_sums(num_parts, graph.num_classes, edges);
    coarse.own(std::vector<float>(costs.begin(), costs.end()));
    return coarse;
}

} // namespace intarsia::cut
