// The problem on an image: nodes are pixels in row-major order, edges are given by offsets, no edge list is needed.
#pragma once

#include "problem.hpp"

#include <algorithm>

namespace intarsia::cut {

struct Offset {
    std::int32_t rows, cols; // not both 0
};

// A view of the arrays of a grid problem; `edge_costs` of plane o at p joins p with p + offsets[o], if that exists.
struct Grid {
    std::int32_t height = 0, width = 0;
    Class num_classes = 0;
    std::span<const float> node_costs; // c_V: classes, rows, columns
    std::span<const float> edge_costs; // c_E: offsets, rows, columns
    std::span<const Offset> offsets;

    std::size_t num_pixels() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
    float node_cost(Node p, Class k) const {
        return node_costs[static_cast<std::size_t>(k) * num_pixels() + static_cast<std::size_t>(p)];
    }
    // The costs of offset o's edges whose first pixels lie in one row.
    const float* edge_row(std::size_t o, std::int32_t row) const {
        return edge_costs.data() + o * num_pixels() + static_cast<std::size_t>(row) * static_cast<std::size_t>(width);
    }
    // How far p + offset lies behind p in memory.
    std::int32_t step(std::size_t o) const { return offsets[o].rows * width + offsets[o].cols; }

    bool has_row(std::size_t o, std::int32_t row) const { // whether edges of offset o start in this row
        return row + offsets[o].rows >= 0 && row + offsets[o].rows < height;
    }
    // The columns [first, end) in which edges of offset o start.
    std::int32_t first_col(std::size_t o) const { return std::min(width, std::max(0, -offsets[o].cols)); }
    std::int32_t end_col(std::size_t o) const { return std::max(first_col(o), width - std::max(0, offsets[o].cols)); }
};

// The same problem with an edge list, for the solvers that work on any graph. Owns its node costs.
Graph graph_of(const Grid& grid);

} // namespace intarsia::cut
