#include "superpixels.hpp"

#include "narrow.hpp"
#include "workers.hpp"

#include <array>
#include <cmath>

namespace intarsia::cut {
namespace {

// The plane of edges between pixel p and p + step, with p + shift as the pixel that holds the cost; none if
// no offset.
struct UnitEdges {
    const float* costs = nullptr;
    std::int32_t shift = 0;
    float weak = 0; // below this an edge is too weak to be trusted alone

    bool join(std::int32_t p) const { return costs && costs[p + shift] > weak; }
};

// A fifth of what they cost on average, from one line in eight.
float weak(const Grid& grid, std::size_t o) {
    double sum = 0;
    std::int64_t count = 0;
    for (std::int32_t line = std::min(1, grid.num_lines() - 1); line < grid.num_lines(); line += 8)
        for (std::int32_t col = grid.first_col(o); col < grid.end_col(o) && grid.has_line(o, line);
             ++col, ++count)
            sum += std::abs(grid.edge_line(o, line)[col]);
    return count > 0 ? static_cast<float>(0.2 * sum / static_cast<double>(count)) : 0;
}

UnitEdges unit_edges(const Grid& grid, const Offset& unit) {
    for (std::size_t o = 0; o < grid.offsets.size(); ++o) {
        const auto [planes, rows, cols] = grid.offsets[o];
        const float* costs = grid.edge_line(o, 0);
        if (planes == unit.planes && rows == unit.rows && cols == unit.cols) return {costs, 0, weak(grid, o)};
        if (planes == -unit.planes && rows == -unit.rows && cols == -unit.cols)
            return {costs, -grid.step(o), weak(grid, o)};
    }
    return {};
}

// Union-find on the pixels of one tile; the first pixel of a set is its root.
class Tile {
  public:
    Tile() {
        for (std::int32_t i = 0; i < tile_pixels; ++i) parent_[i] = static_cast<std::uint8_t>(i);
    }
    std::int32_t find(std::int32_t i) {
        while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
        return i;
    }
    void join(std::int32_t i, std::int32_t j) {
        i = find(i);
        j = find(j);
        parent_[std::max(i, j)] = static_cast<std::uint8_t>(std::min(i, j));
    }

  private:
    std::array<std::uint8_t, tile_pixels> parent_;
};

// The tiles of the same planes and rows, from left to right.
class TileRow {
  public:
    TileRow(const Grid& grid, TileSize size)
        : grid_(grid), size_(size), right_(unit_edges(grid, {0, 0, 1})), down_(unit_edges(grid, {0, 1, 0})),
          deeper_(unit_edges(grid, {1, 0, 0})) {}

    std::size_t num_rows() const { return ceil(grid_.depth, size_.planes) * ceil(grid_.height, size_.rows); }

    void run(std::size_t row, std::span<std::int32_t> ids) const {
        const std::size_t rows = ceil(grid_.height, size_.rows);
        Box box = {grid_, size_.planes * narrow<std::int32_t>(row / rows),
                   size_.rows * narrow<std::int32_t>(row % rows), size_};
        std::int32_t next = box.first_id(grid_);
        for (; box.left < grid_.width; box.left += size_.cols) {
            box.right = std::min(box.left + size_.cols, grid_.width);
            next = number(join_pixels(box), box, next, ids);
        }
    }

  private:
    // Planes [front, back), rows [top, bottom), columns [left, right).
    struct Box {
        std::int32_t front, back, top, bottom, left = 0, right = 0;
        Box(const Grid& grid, std::int32_t plane, std::int32_t row, TileSize size)
            : front(plane), back(std::min(plane + size.planes, grid.depth)), top(row),
              bottom(std::min(row + size.rows, grid.height)) {}
        // As many ids as there are pixels are left to those before.
        std::int32_t first_id(const Grid& grid) const {
            return (front * grid.height + (back - front) * top) * grid.width;
        }
    };
    static std::size_t ceil(std::int32_t size, std::int32_t part) { return (size + part - 1) / part; }

    // visit(p, i, plane, row, col), i being the place of pixel p in the tile.
    template <class Visit> void for_pixels(const Box& box, const Visit& visit) const {
        for (std::int32_t plane = box.front; plane < box.back; ++plane)
            for (std::int32_t row = box.top; row < box.bottom; ++row) {
                const std::int32_t p = (plane * grid_.height + row) * grid_.width;
                const std::int32_t i =
                    ((plane - box.front) * size_.rows + row - box.top) * size_.cols - box.left;
                for (std::int32_t col = box.left; col < box.right; ++col)
                    visit(p + col, i + col, plane, row, col);
            }
    }

    Tile join_pixels(const Box& box) const {
        Tile tile;
        for_pixels(
            box, [&](std::int32_t p, std::int32_t i, std::int32_t plane, std::int32_t row, std::int32_t col) {
                if (col + 1 < box.right && right_.join(p)) tile.join(i, i + 1);
                if (row + 1 < box.bottom && down_.join(p)) tile.join(i, i + size_.cols);
                if (plane + 1 < box.back && deeper_.join(p)) tile.join(i, i + size_.rows * size_.cols);
            });
        return tile;
    }

    std::int32_t number(Tile tile, const Box& box, std::int32_t next, std::span<std::int32_t> ids) const {
        std::array<std::int32_t, tile_pixels> id_of;
        for_pixels(box, [&](std::int32_t p, std::int32_t i, std::int32_t, std::int32_t, std::int32_t) {
            const std::int32_t root = tile.find(i);
            if (root == i) id_of[i] = next++;
            ids[p] = id_of[root];
        });
        return next;
    }

    const Grid& grid_;
    const TileSize size_;
    const UnitEdges right_, down_, deeper_;
};

} // namespace

std::vector<std::int32_t> find_superpixels(const Grid& grid, Workers& workers, TileSize size) {
    const TileRow tiles(grid, size);
    std::vector<std::int32_t> ids(grid.num_pixels());
    workers.run(tiles.num_rows(), [&](std::size_t row, std::size_t) { tiles.run(row, ids); });
    return ids;
}

TileSize tile_size(const Grid& grid, bool large) {
    if (grid.depth == 1) return large ? TileSize{1, 8, 8} : TileSize{1, 4, 4};
    return large ? TileSize{2, 4, 8} : TileSize{2, 2, 4};
}

} // namespace intarsia::cut
