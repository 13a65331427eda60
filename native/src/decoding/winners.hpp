// Which channel is the largest at each pixel, when channels are known on a grid.
#pragma once

#include "decoding/grid_cells.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace intarsia {

// Writes to each pixel the number of the largest of `channels` maps, up-sampled bilinearly; of equal ones the
// first. `values` holds one map on the grid after the other. No map is ever up-sampled: a channel that wins
// at all four points around a cell wins between them, and in the other cells only those channels are
// interpolated that exceed, at one point at least, what some channel has at all four. Returns false, and
// stops, if a value is NaN or infinite.
//
// The arithmetic is that of torch's bilinear kernel for contiguous maps: fma(a, 1 - x, b * x) along the rows,
// then the same between them.
//
// Label is std::uint8_t, std::uint16_t or std::int32_t, and can hold `channels` - 1. There is at least one
// channel.
template <class Label> bool find_winners(std::span<const float> values, std::size_t channels,
                                         const GridCells& cells, std::span<Label> winners,
                                         std::size_t threads);

} // namespace intarsia
