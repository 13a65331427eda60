// Large grids tile by tile, for solvers that would need too much memory or time for the whole.
#pragma once

#include "solve.hpp"

namespace intarsia::cut {

// Every tile is solved together with what lies around it, up to its longest edge and some more, and what lies
// around it is dropped. Then the problem between the pieces of all tiles is solved, with every edge that runs
// between two of them: what a border divides is whole again on both of its sides, and so strongly joined.
//
// Tiles, each worked on by one of options.threads, depend on the grid and options.tile alone, and so does the
// answer.
Solution solve_in_tiles(const Grid& grid, const Splittable& splittable, const Options& options);

// Whether the grid has more points than one tile.
bool exceeds_tile(const Grid& grid, std::int32_t tile);

} // namespace intarsia::cut
