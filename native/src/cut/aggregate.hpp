// The graph of a partition: its parts become nodes.
#pragma once

#include "blocks.hpp"
#include "problem.hpp"
#include "workers.hpp"

namespace intarsia::cut {

// Costs of the nodes of a part add up, as do edges between two parts; edges inside a part vanish. part_of
// every node is in [0, num_parts).
Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts);

// The same for parts that do not cross the borders of blocks, block by block. Parallel edges may remain.
Graph aggregate_blocks(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts,
                       const Blocks& blocks, Workers& workers);

} // namespace intarsia::cut
