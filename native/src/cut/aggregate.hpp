// The graph of a partition: its parts become nodes.
#pragma once

#include "problem.hpp"
#include "workers.hpp"

namespace intarsia::cut {

// Costs of the nodes of a part add up, as do edges between two parts; edges inside a part vanish. part_of
// every node is in [0, num_parts). The answer does not depend on the number of workers.
Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts,
                Workers& workers);
Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts);

} // namespace intarsia::cut
