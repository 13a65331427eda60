// A first partition of any graph into small parts of nodes that attract each other: what superpixels are for
// an image.
#pragma once

#include "aggregate.hpp"
#include "workers.hpp"

namespace intarsia::cut {

// Runs of a few nodes first, then parts of a few runs. What is numbered alike tends to lie close together;
// parts that are alike in shape have few others around them, and it is the edges between parts that take the
// time. A node may be far from those it attracts most: what is put in the wrong part is put right by the
// moves that follow.
CoarseGraph find_small_parts(const Graph& graph, Workers& workers);

} // namespace intarsia::cut
