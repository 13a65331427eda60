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

struct Rows {
    std::int32_t first, end;
};

// Strips of rows to be worked on side by side.
constexpr std::int32_t strip_rows = 16;
std::size_t num_strips(const Grid& grid) { return static_cast<std::size_t>((grid.height + strip_rows - 1) / strip_rows); }
Rows strip(const Grid& grid, std::size_t s) {
    const auto first = static_cast<std::int32_t>(s) * strip_rows;
    return {first, std::min(first + strip_rows, grid.height)};
}

// visit(row, a, b, first, end): the edges of offset o that start in columns [first, end) of one of the rows join the
// runs a and b.
template <class Visit> void for_overlaps(const Grid& grid, const Regions& regions, std::size_t o, Rows rows, Visit visit) {
    for (std::int32_t row = rows.first; row < rows.end; ++row) {
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
        for_overlaps(grid, regions, o, {0, grid.height}, [&](std::int32_t, std::size_t a, std::size_t b, std::int32_t, std::int32_t) {
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

Regions regions_of(const Grid& grid, std::span<const std::int32_t> ids) {
    Regions regions;
    std::vector<Label> id_of_run;
    find_runs(grid, ids, regions, id_of_run);
    const Partition numbered = renumber(id_of_run, grid.num_pixels());
    regions.label.resize(static_cast<std::size_t>(numbered.count));
    for (std::size_t a = 0; a < id_of_run.size(); ++a) {
        regions.runs[a].region = numbered.part_of[a];
        regions.label[static_cast<std::size_t>(numbered.part_of[a])] = id_of_run[a];
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

// c_V of the regions, one row each. Summed class by class, so that the sums of one class stay in the cache.
std::vector<float> region_costs(const Grid& grid, const Regions& regions, Workers& workers) {
    const auto num_classes = static_cast<std::size_t>(grid.num_classes), width = static_cast<std::size_t>(grid.width);
    std::vector<std::vector<double>> sums(num_classes);
    workers.run(num_classes, [&](std::size_t k, std::size_t) {
        sums[k].assign(regions.label.size(), 0);
        for (std::size_t row = 0; row + 1 < regions.first_run.size(); ++row) {
            const float* costs = grid.node_costs.data() + k * grid.num_pixels() + row * width;
            for (std::size_t a = regions.first_run[row]; a < regions.first_run[row + 1]; ++a) {
                const auto& [first, end, region] = regions.runs[a];
                sums[k][static_cast<std::size_t>(region)] += sum(costs + first, end - first);
            }
        }
    });
    std::vector<float> costs(regions.label.size() * num_classes);
    for (std::size_t i = 0; i < regions.label.size(); ++i)
        for (std::size_t k = 0; k < num_classes; ++k) costs[i * num_classes + k] = static_cast<float>(sums[k][i]);
    return costs;
}

} // namespace

Graph coarsen(const Grid& grid, const Regions& regions, Workers& workers) {
    std::vector<EdgeSums> edges(num_strips(grid));
    workers.run(edges.size(), [&](std::size_t s, std::size_t) {
        for (std::size_t o = 0; o < grid.offsets.size(); ++o)
            for_overlaps(grid, regions, o, strip(grid, s), [&](std::int32_t row, std::size_t a, std::size_t b, std::int32_t first, std::int32_t end) {
                const std::int32_t i = regions.runs[a].region, j = regions.runs[b].region;
                if (i != j) edges[s].add(i, j, sum(grid.edge_row(o, row) + first, end - first));
            });
    });
    return graph_of_sums(regions.count(), grid.num_classes, region_costs(grid, regions, workers), edges);
}

double cost_of(const Grid& grid, const Regions& regions, std::span<const Class> class_of, Workers& workers) {
    std::vector<double> costs(num_strips(grid), 0);
    const auto width = static_cast<std::size_t>(grid.width);
    workers.run(costs.size(), [&](std::size_t s, std::size_t) {
        const Rows rows = strip(grid, s);
        for (std::size_t o = 0; o < grid.offsets.size(); ++o)
            for_overlaps(grid, regions, o, rows, [&](std::int32_t row, std::size_t a, std::size_t b, std::int32_t first, std::int32_t end) {
                if (regions.runs[a].region != regions.runs[b].region) costs[s] += sum(grid.edge_row(o, row) + first, end - first);
            });
        for (auto row = static_cast<std::size_t>(rows.first); row < static_cast<std::size_t>(rows.end); ++row)
            for (std::size_t a = regions.first_run[row]; a < regions.first_run[row + 1]; ++a) {
                const auto& [first, end, region] = regions.runs[a];
                const auto k = static_cast<std::size_t>(class_of[static_cast<std::size_t>(regions.label[static_cast<std::size_t>(region)])]);
                costs[s] += sum(grid.node_costs.data() + k * grid.num_pixels() + row * width + static_cast<std::size_t>(first), end - first);
            }
    });
    return std::accumulate(costs.begin(), costs.end(), 0.0);
}

} // namespace intarsia::cut
