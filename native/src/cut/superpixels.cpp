#include "superpixels.hpp"

#include "workers.hpp"

#include <array>
#include <cmath>

namespace intarsia::cut {
namespace {

// The plane of edges between pixel p and p + step, with p + shift as the pixel that holds the cost; none if no offset.
struct UnitEdges {
    const float* costs = nullptr;
    std::int32_t shift = 0;
};

UnitEdges unit_edges(const Grid& grid, std::int32_t rows, std::int32_t cols) {
    for (std::size_t o = 0; o < grid.offsets.size(); ++o) {
        const Offset offset = grid.offsets[o];
        if (offset.rows == rows && offset.cols == cols) return {grid.edge_row(o, 0), 0};
        if (offset.rows == -rows && offset.cols == -cols) return {grid.edge_row(o, 0), rows * grid.width + cols};
    }
    return {};
}

// Below this an edge is too weak to be trusted alone: a fifth of what they cost on average, from one row in eight.
float weak(const Grid& grid, const UnitEdges& edges) {
    double sum = 0;
    std::int64_t count = 0;
    for (std::int32_t row = 1; row + 1 < grid.height; row += 8)
        for (std::int32_t col = 1; col + 1 < grid.width; ++col, ++count) sum += std::abs(edges.costs[row * grid.width + col]);
    return count > 0 ? static_cast<float>(0.2 * sum / static_cast<double>(count)) : 0;
}

// Union-find on the pixels of one tile; the first pixel of a set is its root.
class Tile {
  public:
    void reset() {
        for (std::uint8_t i = 0; i < parent_.size(); ++i) parent_[i] = i;
    }
    std::uint8_t find(std::uint8_t i) {
        while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
        return i;
    }
    void join(std::uint8_t i, std::uint8_t j) {
        i = find(i);
        j = find(j);
        parent_[std::max(i, j)] = std::min(i, j);
    }

  private:
    std::array<std::uint8_t, largest_tile * largest_tile> parent_;
};

} // namespace

std::vector<std::int32_t> find_superpixels(const Grid& grid, Workers& workers, std::int32_t tile_size) {
    const std::int32_t tile_rows = (grid.height + tile_size - 1) / tile_size;
    const UnitEdges right = unit_edges(grid, 0, 1), down = unit_edges(grid, 1, 0);
    const float weak_right = right.costs ? weak(grid, right) : 0, weak_down = down.costs ? weak(grid, down) : 0;
    std::vector<std::int32_t> ids(grid.num_pixels());
    workers.run(static_cast<std::size_t>(tile_rows), [&](std::size_t piece, std::size_t) {
        Tile tile;
        const std::int32_t top = static_cast<std::int32_t>(piece) * tile_size, bottom = std::min(top + tile_size, grid.height);
        std::int32_t next = top * grid.width;
        for (std::int32_t left = 0; left < grid.width; left += tile_size) {
            const std::int32_t end = std::min(left + tile_size, grid.width);
            tile.reset();
            for (std::int32_t row = top; row < bottom; ++row)
                for (std::int32_t col = left; col < end; ++col) {
                    const std::int32_t p = row * grid.width + col;
                    const auto i = static_cast<std::uint8_t>((row - top) * tile_size + col - left);
                    if (right.costs && col + 1 < end && right.costs[p + right.shift] > weak_right) tile.join(i, static_cast<std::uint8_t>(i + 1));
                    if (down.costs && row + 1 < bottom && down.costs[p + down.shift] > weak_down) tile.join(i, static_cast<std::uint8_t>(i + tile_size));
                }
            std::array<std::int32_t, largest_tile * largest_tile> id_of;
            for (std::int32_t row = top; row < bottom; ++row)
                for (std::int32_t col = left; col < end; ++col) {
                    const auto i = static_cast<std::uint8_t>((row - top) * tile_size + col - left);
                    const std::uint8_t root = tile.find(i);
                    if (root == i) id_of[i] = next++;
                    ids[static_cast<std::size_t>(row * grid.width + col)] = id_of[root];
                }
        }
    });
    return ids;
}

} // namespace intarsia::cut
