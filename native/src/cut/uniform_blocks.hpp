// Small blocks of points that agree: what Algorithm 2 would merge first is one node from the start.
#pragma once

#include "grid.hpp"

#include <vector>

namespace intarsia::cut {

// The block of each point, named by its first one. 4 x 4 points of one plane are a block if one class is the
// cheapest of all of them and every edge of length 1 between two of them attracts at least half as much as
// such edges do on average; all other points are alone.
std::vector<std::int32_t> find_uniform_blocks(const Grid& grid);

} // namespace intarsia::cut
