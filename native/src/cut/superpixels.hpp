// A first partition of an image or volume, in one pass over its shortest edges.
#pragma once

#include "grid.hpp"
#include "workers.hpp"

namespace intarsia::cut {

inline constexpr std::int32_t tile_pixels = 64; // at most, in a tile

struct TileSize {
    std::int32_t planes, rows, cols;
};

// Tiles as large as they can be, or a quarter of it. In a volume they are long in memory, which makes for
// long runs.
TileSize tile_size(const Grid& grid, bool large);

// Joins pixels across attractive edges of length 1, never across the borders of tiles: one wrong edge cannot
// leak far, and what leaks is put right by the moves that follow. Superpixel ids are in [0, num_pixels), tile
// by tile.
std::vector<std::int32_t> find_superpixels(const Grid& grid, Workers& workers, TileSize size);

} // namespace intarsia::cut
