// The graph of a partition: its parts become nodes.
#pragma once

#include "labels.hpp"
#include "workers.hpp"

#include <vector>

namespace intarsia::cut {

// Parts of a graph, and the graph between them.
struct CoarseGraph {
    Partition parts;
    Graph graph;
};

// The edges from the parts of one block to parts of higher numbers, each once, in the order of the former.
struct PartEdges {
    std::vector<Node> ends; // two an edge, the lower first
    std::vector<float> costs;
};

// Edges between two parts add up, edges inside a part vanish. part_of every node is in [0, num_parts). Block
// by block; neither these nor anything below depend on the number of workers.
std::vector<PartEdges> edges_between(const Graph& graph, std::span<const std::int32_t> part_of,
                                     std::int32_t num_parts, Workers& workers);

// Costs of the nodes of a part add up, one row a part.
std::vector<float> node_costs_of_parts(const Graph& graph, std::span<const std::int32_t> part_of,
                                       std::int32_t num_parts, Workers& workers);

// The graph of the parts: these edges and these costs.
Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts,
                Workers& workers);
Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts);

} // namespace intarsia::cut
