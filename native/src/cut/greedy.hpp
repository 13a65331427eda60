// The default solver: superpixels, the coarse problem between them, then moves of single pixels.
#pragma once

#include "solve.hpp"

namespace intarsia::cut {

Solution solve_greedy(const Grid& grid, const Splittable& splittable, const Options& options,
                      const Start& start);
Solution solve_greedy(const Graph& graph, const Splittable& splittable, const Options& options,
                      const Start& start);

} // namespace intarsia::cut
