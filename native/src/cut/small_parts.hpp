// A first partition of any graph into small parts of nodes that attract each other: what superpixels are for
// an image.
#pragma once

#include "graph.hpp"
#include "labels.hpp"

namespace intarsia::cut {

// A few passes over the nodes; each joins its part with the one across its most attractive edge, as long as
// both together have at most `largest` nodes.
Partition find_small_parts(const Graph& graph, std::int32_t largest);

} // namespace intarsia::cut
