// Nodes in blocks of consecutive numbers, to be worked on side by side. Neighbours in an image have numbers
// close by.
#pragma once

#include "narrow.hpp"
#include "problem.hpp"

#include <algorithm>

namespace intarsia::cut {

struct Blocks {
    Node num_nodes;
    Node count = 1;

    Node first(std::size_t b) const { return narrow<Node>(b * num_nodes / count); }
    std::size_t of(Node i) const { // the block that holds node i
        return ((i + std::size_t{1}) * count - 1) / num_nodes;
    }
};

} // namespace intarsia::cut
