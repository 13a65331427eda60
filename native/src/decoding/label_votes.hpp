// The label of each pixel by the vote of the points around it.
#pragma once

#include "decoding/grid_cells.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

// Labels at every pixel from labels on the grid. The four points around a pixel vote with their bilinear
// weights; only labels above 0 of the pixel's own group can win, of equal ones that of the first point. Where
// none of the four is, the label of the nearest point stands, and where the pixel's group is free, 0.
//
// `group_of_label` has an entry for each label, `groups` holds the group of each pixel, `is_free` an entry
// for each of the 256 groups.
std::vector<std::int32_t> vote_for_labels(std::span<const std::int32_t> labels,
                                          std::span<const std::uint8_t> group_of_label,
                                          std::span<const std::uint8_t> groups, std::span<const bool> is_free,
                                          const GridCells& cells);

} // namespace intarsia
