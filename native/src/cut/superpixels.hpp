// A first partition of an image, in one pass over its shortest edges.
#pragma once

#include "grid.hpp"
#include "workers.hpp"

namespace intarsia::cut {

inline constexpr std::int32_t largest_tile = 8; // pixels; no superpixel reaches beyond its tile

// Joins pixels across attractive edges of length 1, never across the borders of tiles: one wrong edge cannot leak far,
// and what leaks is put right by the moves that follow. tile_size is at most largest_tile. Superpixel ids are in [0, num_pixels), tile by tile.
std::vector<std::int32_t> find_superpixels(const Grid& grid, Workers& workers, std::int32_t tile_size = largest_tile);

} // namespace intarsia::cut
