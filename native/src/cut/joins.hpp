// Joining pairs of segments, both with a new class if that pays.
#pragma once

#include "deadline.hpp"
#include "labels.hpp"

namespace intarsia::cut {

// Every node is a whole segment. Two neighbours of different labels may take one common label: a new instance
// of any class in P, or any class outside P. The joins that gain most come first; returns whether there were
// any. What makes this more than Algorithm 2: all edges to other segments of the same class count. Never
// raises the cost.
bool join_segments(const Graph& segments, const Splittable& splittable, Labels& z, const Deadline& deadline);

} // namespace intarsia::cut
