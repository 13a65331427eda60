#include "tiles.hpp"

#include "graph.hpp"
#include "labels.hpp"
#include "narrow.hpp"
#include "regions.hpp"
#include "small_segments.hpp"
#include "workers.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace intarsia::cut {
namespace {

constexpr std::int32_t least_context = 24; // points around a tile beyond which its cut hardly depends on them

// The points [first, end) of one axis.
struct Span {
    std::int32_t first, end;
    std::int32_t size() const { return end - first; }

    Span with_margin(std::int32_t by, std::int32_t length) const {
        return {std::max(first - by, 0), std::min(end + by, length)};
    }
};

struct Box {
    Span planes, rows, cols;
    std::size_t num_points() const { return std::size_t{1} * planes.size() * rows.size() * cols.size(); }
};

// An axis in parts of nearly equal length, none above `most`.
std::vector<Span> parts_of(std::int32_t length, std::int32_t most) {
    const std::int32_t count = (length + most - 1) / most;
    std::vector<Span> parts;
    for (std::int64_t part = 0; part < count; ++part)
        parts.push_back(
            {narrow<std::int32_t>(part * length / count), narrow<std::int32_t>((part + 1) * length / count)});
    return parts;
}

// Of a volume so many planes, rows and columns that a tile has about as many points as one of an image.
std::int32_t side_of(const Grid& grid, std::int32_t tile) {
    return grid.depth == 1 ? tile : std::max(1, static_cast<std::int32_t>(std::cbrt(double(tile) * tile)));
}

std::vector<Box> tiles_of(const Grid& grid, std::int32_t tile) {
    const std::int32_t side = side_of(grid, tile);
    std::vector<Box> tiles;
    for (const Span planes : parts_of(grid.depth, side))
        for (const Span rows : parts_of(grid.height, side))
            for (const Span cols : parts_of(grid.width, side)) tiles.push_back({planes, rows, cols});
    return tiles;
}

// A tile with what lies around it, as a grid of its own that holds its costs.
class Window {
  public:
    Window(const Grid& grid, const Box& tile) : grid_(grid), tile_(tile), box_(around(grid, tile)) {
        copy(grid.node_costs, grid.num_classes, node_costs_);
        copy(grid.edge_costs, grid.offsets.size(), edge_costs_);
    }

    Grid view() const {
        return {box_.planes.size(), box_.rows.size(), box_.cols.size(), grid_.num_classes,
                node_costs_,        edge_costs_,      grid_.offsets};
    }

    // visit(p, i) for the points of the tile: p in the grid, i in the window.
    template <class Visit> void for_points(const Visit& visit) const {
        for_lines(tile_, [&](std::int32_t plane, std::int32_t row) {
            const Node p = (plane * grid_.height + row) * grid_.width + tile_.cols.first;
            const Node i =
                ((plane - box_.planes.first) * box_.rows.size() + row - box_.rows.first) * box_.cols.size() +
                tile_.cols.first - box_.cols.first;
            for (std::int32_t col = 0; col < tile_.cols.size(); ++col) visit(p + col, i + col);
        });
    }

  private:
    static Box around(const Grid& grid, const Box& tile) {
        std::int32_t planes = 0, rows = 0, cols = 0;
        for (const Offset& offset : grid.offsets) {
            planes = std::max(planes, std::abs(offset.planes));
            rows = std::max(rows, std::abs(offset.rows));
            cols = std::max(cols, std::abs(offset.cols));
        }
        return {tile.planes.with_margin(planes, grid.depth),
                tile.rows.with_margin(std::max(rows, least_context), grid.height),
                tile.cols.with_margin(std::max(cols, least_context), grid.width)};
    }

    template <class Visit> static void for_lines(const Box& box, const Visit& visit) {
        for (std::int32_t plane = box.planes.first; plane < box.planes.end; ++plane)
            for (std::int32_t row = box.rows.first; row < box.rows.end; ++row) visit(plane, row);
    }

    void copy(std::span<const float> costs, std::size_t count, std::vector<float>& into) const {
        into.reserve(count * box_.num_points());
        for (std::size_t field = 0; field < count; ++field)
            for_lines(box_, [&](std::int32_t plane, std::int32_t row) {
                const std::size_t at = plane * grid_.height + row;
                const float* line = costs.data() + field * grid_.num_pixels() + at * grid_.width;
                into.insert(into.end(), line + box_.cols.first, line + box_.cols.end);
            });
    }

    const Grid& grid_;
    const Box tile_, box_;
    std::vector<float> node_costs_, edge_costs_;
};

// What the tiles leave: a label for every cluster of each, named after its first point in the tile.
struct Leavings {
    std::vector<Label> of;
    bool finished = true;
};

// Writes the labels of one tile; whether there was time enough.
bool solve_tile(const Grid& grid, const Box& tile, const Splittable& splittable, const Options& options,
                std::vector<Label>& of) {
    const Window window(grid, tile);
    const Solution solution = solve(window.view(), splittable, options);
    std::vector<Label> name(solution.cut.clusters.size(), -1);
    window.for_points([&](Node p, Node i) {
        Label& label = name[solution.cut.clusters[i]];
        if (label < 0) label = p;
        of[p] = label;
    });
    return solution.finished;
}

Leavings solve_tiles(const Grid& grid, const Splittable& splittable, Options options, Workers& workers) {
    const std::vector<Box> tiles = tiles_of(grid, options.tile);
    options.threads = 1;
    options.tile = 0;
    options.uniform_blocks = true;
    options.min_size = 0; // what a border divides is not small
    Leavings leavings{std::vector<Label>(grid.num_pixels())};
    std::vector<std::uint8_t> finished(tiles.size(), 0);
    workers.run(tiles.size(), [&](std::size_t t, std::size_t) {
        finished[t] = solve_tile(grid, tiles[t], splittable, options, leavings.of);
    });
    leavings.finished = std::find(finished.begin(), finished.end(), 0) == finished.end();
    return leavings;
}

std::vector<std::int64_t> sizes_of(const Regions& regions) {
    std::vector<std::int64_t> sizes(regions.count(), 0);
    for (const Run& run : regions.runs) sizes[run.region] += run.end - run.first;
    return sizes;
}

} // namespace

bool exceeds_tile(const Grid& grid, std::int32_t tile) {
    const std::int32_t side = side_of(grid, tile);
    return tile > 0 && (grid.depth > side || grid.height > side || grid.width > side);
}

Solution solve_in_tiles(const Grid& grid, const Splittable& splittable, const Options& options) {
    Workers workers(options.threads);
    Leavings leavings = solve_tiles(grid, splittable, options, workers);
    const Regions pieces = find_regions(grid, leavings.of, workers);
    leavings.of = {};
    const double tiles_s = options.deadline.elapsed_s();
    const Graph between = coarsen(grid, pieces, workers);
    Options rest = options;
    rest.min_size = 0; // counts points, not pieces
    Solution solution = solve(between, splittable, rest);
    Labels z = labels_of(splittable, solution.cut.classes, solution.cut.clusters);
    if (options.min_size > 1) absorb_small(between, splittable, sizes_of(pieces), options.min_size, z);
    Labels whole{paint(grid, pieces, z.of, workers), std::move(z.class_of)};
    solution.cut = cut_of(grid, whole, workers);
    solution.finished = solution.finished && leavings.finished;
    solution.log.insert(solution.log.begin(), {"tiles", narrow<std::int64_t>(grid.num_pixels()),
                                               pieces.count(), solution.log.front().cost, tiles_s});
    const std::int64_t clusters =
        1 + *std::max_element(solution.cut.clusters.begin(), solution.cut.clusters.end());
    solution.log.push_back({"nodes", narrow<std::int64_t>(grid.num_pixels()), clusters, solution.cut.cost,
                            options.deadline.elapsed_s()});
    return solution;
}

} // namespace intarsia::cut
