#include "regions.hpp"

#include "disjoint_sets.hpp"
#include "edge_sums.hpp"
#include "narrow.hpp"
#include "workers.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

namespace intarsia::cut {
namespace {

struct Lines {
    std::int32_t first, end;
};

// Strips of lines to be worked on side by side: few enough that what each keeps for itself is little beside
// the grid.
constexpr std::int32_t least_strip_lines = 16, strip_pixels = 8192, most_strips = 512;
std::int32_t strip_lines(const Grid& grid) {
    return std::max({least_strip_lines, strip_pixels / grid.width, grid.num_lines() / most_strips});
}
std::size_t num_strips(const Grid& grid) {
    return (grid.num_lines() + strip_lines(grid) - 1) / strip_lines(grid);
}
Lines strip(const Grid& grid, std::size_t s) {
    const auto first = narrow<std::int32_t>(s) * strip_lines(grid);
    return {first, std::min(first + strip_lines(grid), grid.num_lines())};
}
template <class Work> void run_strips(const Grid& grid, Workers& workers, const Work& work) {
    workers.run(num_strips(grid), [&](std::size_t s, std::size_t) { work(s, strip(grid, s)); });
}

// The runs, and their labels. A run without horizontal edges of length 1 to hold it together is one pixel
// long.
std::vector<Label> find_runs(const Grid& grid, std::span<const Label> z, Regions& regions, Workers& workers) {
    const bool has_unit_edges = std::any_of(grid.offsets.begin(), grid.offsets.end(), [](const Offset& o) {
        return o.planes == 0 && o.rows == 0 && std::abs(o.cols) == 1;
    });
    const std::size_t width = grid.width;
    const auto starts = [&](const Label* first, std::size_t col) {
        return !has_unit_edges || col == 0 || first[col] != first[col - 1];
    };
    regions.first_run.assign(grid.num_lines() + 1, 0);
    run_strips(grid, workers, [&](std::size_t, Lines lines) {
        for (std::int32_t line = lines.first; line < lines.end; ++line)
            for (std::size_t col = 0; col < width; ++col)
                regions.first_run[line + 1] += starts(&z[line * width], col);
    });
    std::partial_sum(regions.first_run.begin(), regions.first_run.end(), regions.first_run.begin());
    regions.runs.resize(regions.first_run.back());
    std::vector<Label> label_of_run(regions.runs.size());
    run_strips(grid, workers, [&](std::size_t, Lines lines) {
        std::size_t a = regions.first_run[lines.first];
        for (std::int32_t line = lines.first; line < lines.end; ++line)
            for (std::size_t col = 0; col < width; ++col) {
                if (!starts(&z[line * width], col)) continue;
                if (col > 0) regions.runs[a - 1].end = narrow<std::int32_t>(col);
                regions.runs[a] = {narrow<std::int32_t>(col), grid.width, 0};
                label_of_run[a++] = z[line * width + col];
            }
    });
    return label_of_run;
}

// Regions 0..count-1, given to the runs: part_of[a] is that of run a, numbered in the order of the first
// runs.
void name_regions(const Grid& grid, std::span<const Label> label_of_run, const Partition& parts,
                  Regions& regions) {
    regions.label.reserve(parts.count);
    regions.first_pixel.reserve(parts.count);
    for (std::int32_t line = 0; line < grid.num_lines(); ++line)
        for (std::size_t a = regions.first_run[line]; a < regions.first_run[line + 1]; ++a) {
            regions.runs[a].region = parts.part_of[a];
            if (parts.part_of[a] < regions.count()) continue;
            regions.label.push_back(label_of_run[a]);
            regions.first_pixel.push_back(line * grid.width + regions.runs[a].first);
        }
}

// visit(line, a, b, first, end): the edges of offset o that start in columns [first, end) of one of the lines
// join the runs a and b.
template <class Visit>
void for_overlaps(const Grid& grid, const Regions& regions, std::size_t o, Lines lines, Visit visit) {
    for (std::int32_t line = lines.first; line < lines.end; ++line) {
        if (!grid.has_line(o, line)) continue;
        const std::int32_t cols = grid.offsets[o].cols, limit = grid.end_col(o);
        std::size_t a = regions.first_run[line], b = regions.first_run[line + grid.line_step(o)];
        for (std::int32_t col = grid.first_col(o); col < limit;) {
            while (regions.runs[a].end <= col) ++a;
            while (regions.runs[b].end <= col + cols) ++b;
            const std::int32_t end = std::min({limit, regions.runs[a].end, regions.runs[b].end - cols});
            visit(line, a, b, col, end);
            col = end;
        }
    }
}

Node first_run(const Regions& regions, std::int32_t line) { return narrow<Node>(regions.first_run[line]); }

// The lines of a strip whose edges by this many lines end in the strip, and those whose edges leave it.
Lines within(Lines strip, std::int32_t step) {
    return {std::max(strip.first, strip.first - step), std::min(strip.end, strip.end - step)};
}
Lines beyond(Lines strip, std::int32_t step) {
    return step >= 0 ? Lines{std::max(strip.first, strip.end - step), strip.end}
                     : Lines{strip.first, std::min(strip.end, strip.first - step)};
}

// visit(a, b) for runs of one label that are joined by an edge which starts in these lines of the strip.
template <class Select, class Visit> void for_alike(const Grid& grid, const Regions& regions,
                                                    std::span<const Label> label_of_run, Lines strip,
                                                    Select select, Visit visit) {
    for (std::size_t o = 0; o < grid.offsets.size(); ++o)
        for_overlaps(grid, regions, o, select(strip, grid.line_step(o)),
                     [&](std::int32_t, std::size_t a, std::size_t b, std::int32_t, std::int32_t) {
                         if (a != b && label_of_run[a] == label_of_run[b])
                             visit(narrow<Node>(a), narrow<Node>(b));
                     });
}

} // namespace

Regions find_regions(const Grid& grid, std::span<const Label> z, Workers& workers) {
    Regions regions;
    const std::vector<Label> label_of_run = find_runs(grid, z, regions, workers);
    DisjointSets pieces(regions.runs.size());
    run_strips(grid, workers, [&](std::size_t, Lines lines) { // what a strip holds is its own
        for_alike(grid, regions, label_of_run, lines, within, [&](Node a, Node b) { pieces.join(a, b); });
        for (Node a = first_run(regions, lines.first); a < first_run(regions, lines.end); ++a) pieces.find(a);
    });
    std::vector<std::vector<std::pair<Node, Node>>> between(num_strips(grid));
    run_strips(grid, workers, [&](std::size_t s, Lines lines) {
        for_alike(grid, regions, label_of_run, lines, beyond, [&](Node a, Node b) {
            const std::pair pair{pieces.root(a), pieces.root(b)};
            if (pair.first != pair.second && (between[s].empty() || between[s].back() != pair))
                between[s].push_back(pair);
        });
    });
    for (const auto& pairs : between)
        for (const auto& [a, b] : pairs) pieces.join(a, b);
    Partition parts;
    parts.count = pieces.number(parts.part_of);
    name_regions(grid, label_of_run, parts, regions);
    return regions;
}

Regions regions_of(const Grid& grid, std::span<const std::int32_t> ids, Workers& workers) {
    Regions regions;
    const std::vector<Label> id_of_run = find_runs(grid, ids, regions, workers);
    name_regions(grid, id_of_run, renumber(id_of_run, grid.num_pixels()), regions);
    return regions;
}

std::vector<std::int32_t> paint(const Grid& grid, const Regions& regions,
                                std::span<const std::int32_t> values, Workers& workers) {
    std::vector<std::int32_t> image(grid.num_pixels());
    run_strips(grid, workers, [&](std::size_t, Lines lines) {
        auto at = image.begin() + lines.first * grid.width;
        for (Node a = first_run(regions, lines.first); a < first_run(regions, lines.end); ++a) {
            const auto& [first, end, region] = regions.runs[a];
            at = std::fill_n(at, end - first, values[region]);
        }
    });
    return image;
}

namespace {

double sum(const float* values, std::int32_t count) {
    double total = 0;
    for (std::int32_t i = 0; i < count; ++i) total += values[i];
    return total;
}

// c_V of the regions, a list for each class, so that the sums of one class stay in the cache.
using ClassSums = std::vector<std::vector<double>>;

Task add_up_classes(const Grid& grid, const Regions& regions, ClassSums& sums) {
    sums.resize(grid.num_classes);
    return {sums.size(), [&](std::size_t k) {
                const std::size_t width = grid.width;
                sums[k].assign(regions.label.size(), 0);
                for (std::size_t line = 0; line + 1 < regions.first_run.size(); ++line) {
                    const float* costs = grid.node_costs.data() + k * grid.num_pixels() + line * width;
                    for (std::size_t a = regions.first_run[line]; a < regions.first_run[line + 1]; ++a) {
                        const auto& [first, end, region] = regions.runs[a];
                        sums[k][region] += sum(costs + first, end - first);
                    }
                }
            }};
}

// One row a region.
std::vector<float> rows_of(const ClassSums& sums) {
    std::vector<float> rows(sums.size() * sums[0].size());
    for (std::size_t i = 0; i < sums[0].size(); ++i)
        for (std::size_t k = 0; k < sums.size(); ++k)
            rows[i * sums.size() + k] = static_cast<float>(sums[k][i]);
    return rows;
}

} // namespace

Graph coarsen(const Grid& grid, const Regions& regions, Workers& workers) {
    std::vector<EdgeSums> edges(num_strips(grid));
    workers.run(edges.size(), [&](std::size_t s, std::size_t) {
        for (std::size_t o = 0; o < grid.offsets.size(); ++o)
            for_overlaps(
                grid, regions, o, strip(grid, s),
                [&](std::int32_t line, std::size_t a, std::size_t b, std::int32_t first, std::int32_t end) {
                    const std::int32_t i = regions.runs[a].region, j = regions.runs[b].region;
                    if (i != j) edges[s].add(i, j, sum(grid.edge_line(o, line) + first, end - first));
                });
        edges[s].close();
    });
    Graph graph;
    ClassSums node_costs;
    workers.run_beside([&] { graph = graph_of_sums(regions.count(), grid.num_classes, edges); },
                       add_up_classes(grid, regions, node_costs));
    graph.own(rows_of(node_costs));
    return graph;
}

double cost_of(const Grid& grid, const Regions& regions, std::span<const Class> class_of, Workers& workers) {
    std::vector<double> costs(num_strips(grid), 0);
    const std::size_t width = grid.width;
    workers.run(costs.size(), [&](std::size_t s, std::size_t) {
        const Lines lines = strip(grid, s);
        double cost = 0;
        for (std::size_t o = 0; o < grid.offsets.size(); ++o)
            for_overlaps(
                grid, regions, o, lines,
                [&](std::int32_t line, std::size_t a, std::size_t b, std::int32_t first, std::int32_t end) {
                    if (regions.runs[a].region != regions.runs[b].region)
                        cost += sum(grid.edge_line(o, line) + first, end - first);
                });
        for (std::int32_t line = lines.first; line < lines.end; ++line)
            for (std::size_t a = regions.first_run[line]; a < regions.first_run[line + 1]; ++a) {
                const auto& [first, end, region] = regions.runs[a];
                const std::size_t k = class_of[regions.label[region]];
                cost +=
                    sum(grid.node_costs.data() + k * grid.num_pixels() + line * width + first, end - first);
            }
        costs[s] = cost;
    });
    return std::accumulate(costs.begin(), costs.end(), 0.0);
}

Cut cut_of(const Grid& grid, const Labels& z, Workers& workers) {
    const Regions regions = find_regions(grid, z.of, workers);
    std::vector<std::int32_t> numbers(regions.count());
    std::iota(numbers.begin(), numbers.end(), 0);
    std::vector<Class> classes(regions.count());
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = z.class_of[regions.label[i]];
    return {paint(grid, regions, classes, workers), paint(grid, regions, numbers, workers),
            cost_of(grid, regions, z.class_of, workers)};
}

} // namespace intarsia::cut
