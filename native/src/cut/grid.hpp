// The problem on an image or a volume: nodes are its points in memory order, edges are given by offsets, no
// edge list is needed. A volume is a stack of planes of rows; an image is a volume of one plane. All rows of
// all planes are its lines, and so most of what works on rows of an image works on lines of a volume.
#pragma once

#include "narrow.hpp"
#include "problem.hpp"

#include <algorithm>

namespace intarsia::cut {

struct Offset {
    std::int32_t planes, rows, cols; // not all 0; no longer than the grid
};

// A view of the arrays of a grid problem; `edge_costs` of plane o at p joins p with p + offsets[o], if that
// exists.
struct Grid {
    std::int32_t depth = 1, height = 0, width = 0;
    Class num_classes = 0;
    std::span<const float> node_costs; // c_V: classes, planes, rows, columns
    std::span<const float> edge_costs; // c_E: offsets, planes, rows, columns
    std::span<const Offset> offsets;

    std::int32_t num_lines() const { return depth * height; }
    std::size_t num_pixels() const { return std::size_t{1} * num_lines() * width; }
    float node_cost(Node p, Class k) const { return node_costs[k * num_pixels() + p]; }

    struct Place {
        std::int32_t plane, row, col;
    };
    Place place_of(Node p) const {
        const std::int32_t line = p / width, plane = plane_of(line);
        return {plane, line - plane * height, p - line * width};
    }
    std::int32_t plane_of(std::int32_t line) const { return depth == 1 ? 0 : line / height; }

    // The costs of offset o's edges whose first points lie in one line.
    const float* edge_line(std::size_t o, std::int32_t line) const {
        return edge_costs.data() + o * num_pixels() + line * width;
    }
    // How many lines p + offset lies behind p, and how far in memory.
    std::int32_t line_step(std::size_t o) const { return offsets[o].planes * height + offsets[o].rows; }
    std::int32_t step(std::size_t o) const { return line_step(o) * width + offsets[o].cols; }

    // Which edges there are is asked in two ways that agree: of one point, by whether the grid holds the
    // other end, and of a whole line, by the columns in which edges start, so that loops over them need ask
    // nothing.
    bool holds(std::int32_t plane, std::int32_t row, std::int32_t col) const {
        return inside(row, height) && inside(col, width) && inside(plane, depth);
    }
    bool has_edge(std::size_t o, Node p) const { // whether p + offset exists, and p does
        if (!inside(p, narrow<std::int32_t>(num_pixels()))) return false;
        const auto [plane, row, col] = place_of(p);
        const auto& [planes, rows, cols] = offsets[o];
        return holds(plane + planes, row + rows, col + cols);
    }

    bool has_line(std::size_t o, std::int32_t line) const { // whether edges of offset o start in this line
        const std::int32_t plane = plane_of(line), row = line - plane * height;
        return inside(plane + offsets[o].planes, depth) && inside(row + offsets[o].rows, height);
    }
    bool has_line_back(std::size_t o, std::int32_t line) const { // whether they end in it
        return inside(line - line_step(o), num_lines()) && has_line(o, line - line_step(o));
    }
    // The columns [first, end) in which edges of offset o start.
    std::int32_t first_col(std::size_t o) const { return std::min(width, std::max(0, -offsets[o].cols)); }
    std::int32_t end_col(std::size_t o) const {
        return std::max(first_col(o), width - std::max(0, offsets[o].cols));
    }

    static bool inside(std::int32_t i, std::int32_t size) {
        return static_cast<std::uint32_t>(i) < static_cast<std::uint32_t>(size);
    }
};

// visit(edge, p, q) for every edge pq of the grid, offset by offset in memory order; edge_costs[edge] is its
// cost.
template <class Visit> void for_edges(const Grid& grid, const Visit& visit) {
    for (std::size_t o = 0; o < grid.offsets.size(); ++o)
        for (std::int32_t line = 0; line < grid.num_lines(); ++line) {
            if (!grid.has_line(o, line)) continue;
            const std::int32_t begin = line * grid.width, step = grid.step(o);
            for (Node p = begin + grid.first_col(o); p < begin + grid.end_col(o); ++p)
                visit(o * grid.num_pixels() + p, p, p + step);
        }
}

// Offsets from an array of (rows, columns) or (planes, rows, columns), `rank` numbers each. What is longer
// than a grid of this size is cut to its length: it joins nothing either way.
std::vector<Offset> make_offsets(std::span<const std::int32_t> numbers, std::size_t rank, std::int32_t depth,
                                 std::int32_t height, std::int32_t width);

// The same problem with an edge list, for the solvers that work on any graph. Owns its node costs.
Graph graph_of(const Grid& grid);

} // namespace intarsia::cut
