// The pixels of an image and the grid of points over it: a point stands in the middle of each stride x stride
// block.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace intarsia {

struct PixelRun {
    std::size_t begin, end;    // pixels of a row or a column
    std::size_t before, after; // the points that they lie between; at a border the same point twice
};

// One axis of an image. Its pixels are cut where they pass a point: run 0 lies before the first point, run i
// between points i - 1 and i, the last behind the last point.
struct GridAxis {
    std::size_t points, pixels, stride;

    std::size_t num_runs() const { return points == 0 ? 0 : points + 1; }

    PixelRun run(std::size_t i) const {
        const std::size_t half = stride / 2, begin = i == 0 ? 0 : half + (i - 1) * stride;
        return {std::min(begin, pixels), std::min(half + i * stride, pixels), i == 0 ? 0 : i - 1,
                std::min(i, points - 1)};
    }

    // How far the k-th pixel of run i is on its way from the point before to the point after, from 0 to 1.
    double share(std::size_t i, std::size_t k) const {
        const std::size_t pixel = k + (i == 0 ? 0 : stride / 2 + (i - 1) * stride);
        return (static_cast<double>(pixel) + 0.5) / static_cast<double>(stride) + 0.5 -
               static_cast<double>(i);
    }
};

// The image's size and the grid's.
struct GridCells {
    GridAxis rows, cols;

    std::size_t num_points() const { return rows.points * cols.points; }
};

// What each of the four points around a pixel counts: top left, top right, bottom left, bottom right.
struct BilinearWeights {
    explicit BilinearWeights(const GridCells& cells) : down(shares(cells.rows)), right(shares(cells.cols)) {}

    std::array<double, 4> at(std::size_t row, std::size_t col) const {
        const double d = down[row], r = right[col];
        return {(1 - d) * (1 - r), (1 - d) * r, d * (1 - r), d * r};
    }

    std::vector<double> down, right; // of each row and column, from the point before to the point after

  private:
    static std::vector<double> shares(const GridAxis& axis) {
        std::vector<double> result;
        for (std::size_t i = 0; i < axis.num_runs(); ++i)
            for (std::size_t k = 0, count = axis.run(i).end - axis.run(i).begin; k < count; ++k)
                result.push_back(axis.share(i, k));
        return result;
    }
};

// Calls visit(rows, cols, points) for the pixels of each cell, with the numbers of the points around it,
// which are four, or fewer and repeated at the border.
template <class Visit> void for_each_cell(const GridCells& cells, const Visit& visit) {
    if (cells.num_points() == 0) return;
    const std::size_t width = cells.cols.points;
    for (std::size_t down = 0; down < cells.rows.num_runs(); ++down) {
        const PixelRun rows = cells.rows.run(down);
        for (std::size_t right = 0; right < cells.cols.num_runs(); ++right) {
            const PixelRun cols = cells.cols.run(right);
            visit(rows, cols,
                  std::array<std::size_t, 4>{
                      rows.before * width + cols.before, rows.before * width + cols.after,
                      rows.after * width + cols.before, rows.after * width + cols.after});
        }
    }
}

} // namespace intarsia
