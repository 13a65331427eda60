// From the labels of pixels to connected regions, and from regions to the coarse graph between them.
#pragma once

#include "grid.hpp"
#include "labels.hpp"
#include "narrow.hpp"
#include "workers.hpp"

namespace intarsia::cut {

// Neighbours in one line that have one label; regions are made of runs, as are all sums over them.
struct Run {
    std::int32_t first, end; // columns
    std::int32_t region;
};

struct Regions {
    std::vector<Run> runs;              // line by line
    std::vector<std::size_t> first_run; // of each line, and the end
    std::vector<Label> label;           // of each region
    std::vector<Node> first_pixel;      // of each region
    std::int32_t count() const { return narrow<std::int32_t>(label.size()); }
};

// The connected pieces of every label, in the order of their first pixels. Pixels are connected by any edge.
Regions find_regions(const Grid& grid, std::span<const Label> z, Workers& workers);

// The same for ids in [0, num_pixels) each of which is known to be one connected piece.
Regions regions_of(const Grid& grid, std::span<const std::int32_t> ids, Workers& workers);

// What the region of a pixel has, at every pixel.
std::vector<std::int32_t> paint(const Grid& grid, const Regions& regions,
                                std::span<const std::int32_t> values, Workers& workers);

// Regions become nodes, with the sums of their pixels' costs and of the edges between them.
Graph coarsen(const Grid& grid, const Regions& regions, Workers& workers);

// Eq. 2 in double, for regions as clusters.
double cost_of(const Grid& grid, const Regions& regions, std::span<const Class> class_of, Workers& workers);

// The cut that labels of pixels stand for: their connected pieces.
Cut cut_of(const Grid& grid, const Labels& z, Workers& workers);

} // namespace intarsia::cut
