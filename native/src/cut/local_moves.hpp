// Local moving: every node takes the label that is cheapest while its neighbours keep theirs.
#pragma once

#include "cheapest.hpp"
#include "deadline.hpp"
#include "labels.hpp"
#include "workers.hpp"

namespace intarsia::cut {

// Sweeps in memory order until nothing moves or the deadline passes. A node may take the label of a
// neighbour, any class outside P, or a new label of its cheapest class in P. Never raises the cost.
//
// Each node keeps a bound of what a move may gain: at first
//   c_V(i, x_i) - min_k c_V(i, k) + sum_{z_j != z_i} max(c_E(ij), 0) - sum_{z_j = z_i} c_E(ij),
// then what the best move gained when it was last looked at, plus what the moves of its neighbours may have
// changed. Only nodes with a positive bound are looked at: few, as most sit well inside their regions. The
// label k + i, "new for node i", needs z.class_of to have num_classes + size entries.
//
// A large image is moved in stretches of rows first, side by side: while one is swept it sees the others as
// they were, then they tell each other what changed. Which stretches there are does not depend on the number
// of threads.
void move_locally(const Grid& grid, const Splittable& splittable, const CheapestClasses& cheapest, Labels& z,
                  const Deadline& deadline, Workers& workers);
void move_locally(const Graph& graph, const Splittable& splittable, const CheapestClasses& cheapest,
                  Labels& z, const Deadline& deadline, Workers& workers);
void move_locally(const Graph& graph, const Splittable& splittable, const CheapestClasses& cheapest,
                  Labels& z, const Deadline& deadline);

} // namespace intarsia::cut
