// A first partition of an image, in one pass over its shortest edges.
#pragma once

#include "grid.hpp"

namespace intarsia::cut {

inline constexpr std::int32_t tile_size = 8; // pixels; no superpixel reaches beyond its tile

// Joins pixels across attractive edges of length 1, never across the borders of tiles: one wrong edge cannot leak far,
// and what leaks is put right by the moves that follow. Superpixel ids are in [0, num_pixels), tile by tile.
std::vector<std::int32_t> find_superpixels(const Grid& grid, int threads);

} // namespace intarsia::cut
