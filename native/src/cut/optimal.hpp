// The exact optimum of a small problem, by dynamic programming over sets of nodes.
#pragma once

#include "deadline.hpp"
#include "problem.hpp"

#include <optional>

namespace intarsia::cut {

inline constexpr Node largest_optimal = 16; // nodes; time and memory grow as 3^n and 2^n

// Every cluster C costs min over its classes of sum c_V, less the edges it holds inside, so the best
// labelling of a set S is the best cluster holding S's first node plus the best labelling of the rest.
// Classes outside P follow one after the other, each taking one set. Exact, and the same at every run. At
// most largest_optimal nodes. Nothing if the deadline passes first.
std::optional<Cut> solve_optimal(const Graph& graph, const Splittable& splittable,
                                 const Deadline& deadline = Deadline());

} // namespace intarsia::cut
