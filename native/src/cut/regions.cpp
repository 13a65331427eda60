#include "regions.hpp"

#include "disjoint_sets.hpp"
#include "edge_sums.hpp"
#include "workers.hpp"

#include <numeric>

namespace intarsia::cut {
namespace {

// Runs of the pixels; a run without horizontal edges of length 1 to hold it together is one pixel long.
void find_runs(const Grid& grid, std::span<const Label> z, Regions& regions, std::vector<Label>& label_of_run) {
    bool joined = false;
    for (const auto& [rows, cols] : grid.offsets) joined |= rows == 0 && (cols == 1 || cols == -1);
    for (std::int32_t row = 0; row < grid.height; ++row) {
        regions.first_run.push_back(regions.runs.size());
        const Label* line = z.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(grid.width);
        for (std::int32_t first = 0, end = 0; first < grid.width; first = end) {
            end = first + 1;
            while (joined && end < grid.width && line[end] == line[first]) ++end;
            regions.runs.push_back({first, end, 0});
            label_of_run.push_back(line[first]);
        }
    }
    regions.first_run.push_back(regions.runs.size());
}

// visit(row, a, b, first, end): the edges of offset o that start in columns [first, end) of row join runs a and b.
template <class Visit> void for_overlaps(const Grid& grid, const Regions& regions, std::size_t o, Visit visit) {
    for (std::int32_t row = 0; row < grid.height; ++row) {
        if (!grid.has_row(o, row)) continue;
        const std::int32_t cols = grid.offsets[o].cols, limit = grid.end_col(o);
        const auto r = static_cast<std::size_t>(row), s = static_cast<std::size_t>(row + grid.offsets[o].rows);
        std::size_t a = regions.first_run[r], b = regions.first_run[s];
        for (std::int32_t col = grid.first_col(o); col < limit;) {
            while (regions.runs[a].end <= col) ++a;
            while (regions.runs[b].end <= col + cols) ++b;
            const std::int32_t end = std::min({limit, regions.runs[a].end, regions.runs[b].end - cols});
            visit(row, a, b, col, end);
            col = end;
        }
    }
}

} // namespace

Regions find_regions(const Grid& grid, std::span<const Label> z) {
    Regions regions;
    std::vector<Label> label_of_run;
    find_runs(grid, z, regions, label_of_run);
    DisjointSets pieces(regions.runs.size());
    for (std::size_t o = 0; o < grid.offsets.size(); ++o)
        for_overlaps(grid, regions, o, [&](std::int32_t, std::size_t a, std::size_t b, std::int32_t, std::int32_t) {
            if (a != b && label_of_run[a] == label_of_run[b]) pieces.join(static_cast<Node>(a), static_cast<Node>(b));
        });
    std::vector<std::int32_t> ids;
    const std::int32_t count = pieces.number(ids);
    regions.label.resize(static_cast<std::size_t>(count));
    for (std::size_t a = 0; a < ids.size(); ++a) {
        regions.runs[a].region = ids[a];
        regions.label[static_cast<std::size_t>(ids[a])] = label_of_run[a];
    }
    return regions;
}

std::vector<std::int32_t> paint(const Grid& grid, const Regions& regions) {
    std::vector<std::int32_t> ids(grid.num_pixels());
    auto at = ids.begin();
    for (const auto& [first, end, region] : regions.runs) at = std::fill_n(at, end - first, region);
    return ids;
}

namespace {

double sum(const float* values, std::int32_t count) {
    double total = 0;
    for (std::int32_t i = 0; i < count; ++i) total += values[i];
    return total;
}

std::vector<double> region_costs(const Grid& grid, const Regions& regions, int threads) {
    const auto num_classes = static_cast<std::size_t>(grid.num_classes);
    std::vector<double> sums(regions.label.size() * num_classes, 0);
    const auto width = static_cast<std::size_t>(grid.width);
    run_pieces(threads, num_classes, [&](std::size_t k) {
        for (std::size_t row = 0; row + 1 < regions.first_run.size(); ++row)
            for (std::size_t a = regions.first_run[row]; a < regions.first_run[row + 1]; ++a) {
                const auto& [first, end, region] = regions.runs[a];
                const float* costs = grid.node_costs.data() + k * grid.num_pixels() + row * width + first;
                sums[static_cast<std::size_t>(region) * num_classes + k] += sum(costs, end - first);
            }
    });
    return sums;
}

} // namespace

Graph coarsen(const Grid& grid, const Regions& regions, int threads) {
    std::vector<EdgeSums> of_offset(grid.offsets.size());
    run_pieces(threads, of_offset.size(), [&](std::size_t o) {
        for_overlaps(grid, regions, o, [&](std::int32_t row, std::size_t a, std::size_t b, std::int32_t first, std::int32_t end) {
            const Node i = regions.runs[a].region, j = regions.runs[b].region;
            if (i != j) of_offset[o].add(i, j, sum(grid.edge_row(o, row) + first, end - first));
        });
    });
    EdgeSums edges;
    for (const EdgeSums& part : of_offset) edges.add(part);
    return edges.to_graph(regions.count(), grid.num_classes, region_costs(grid, regions, threads));
}

double cost_of(const Grid& grid, const Regions& regions, std::span<const Class> class_of, int threads) {
    std::vector<double> cut(grid.offsets.size(), 0);
    run_pieces(threads, cut.size(), [&](std::size_t o) {
        for_overlaps(grid, regions, o, [&](std::int32_t row, std::size_t a, std::size_t b, std::int32_t first, std::int32_t end) {
            if (regions.runs[a].region != regions.runs[b].region) cut[o] += sum(grid.edge_row(o, row) + first, end - first);
        });
    });
    double total = std::accumulate(cut.begin(), cut.end(), 0.0);
    const auto width = static_cast<std::size_t>(grid.width);
    for (std::size_t row = 0; row + 1 < regions.first_run.size(); ++row)
        for (std::size_t a = regions.first_run[row]; a < regions.first_run[row + 1]; ++a) {
            const auto& [first, end, region] = regions.runs[a];
            const auto k = static_cast<std::size_t>(class_of[static_cast<std::size_t>(regions.label[static_cast<std::size_t>(region)])]);
            total += sum(grid.node_costs.data() + k * grid.num_pixels() + row * width + static_cast<std::size_t>(first), end - first);
        }
    return total;
}

} // namespace intarsia::cut
