// Kernighan-Lin chains: sequences of moves between two labels of which only the sum has to pay.
#pragma once

#include "deadline.hpp"
#include "labels.hpp"

namespace intarsia::cut {

// For every two labels that touch, and for every label against a new one: nodes change sides one by one, the
// best first, even at a loss and none twice; the best prefix of the sequence stays. Gets out of the local
// optima in which single moves end. Returns whether the cost fell; it never rises.
bool move_chains(const Graph& graph, const Splittable& splittable, Labels& z, const Deadline& deadline);

} // namespace intarsia::cut
