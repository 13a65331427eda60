// The segment of each pixel by the logits of its category.
#pragma once

#include "decoding/grid_cells.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

// Segments at every pixel from segments on the grid: of those at the four points around a pixel the one whose
// category has the largest bilinear logit; of several of that category the one with the most weight, then
// that of the first point. `categories` has an entry for each segment and names a map of `logits`, which
// holds one on the grid after the other.
std::vector<std::int32_t> fit_segments(std::span<const std::int32_t> segments,
                                       std::span<const std::int64_t> categories,
                                       std::span<const float> logits, const GridCells& cells);

} // namespace intarsia
