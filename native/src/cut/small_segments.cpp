#include "small_segments.hpp"

#include "aggregate.hpp"
#include "coarse.hpp"
#include "graph.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace intarsia::cut {
namespace {

// The label of a neighbour that node i can take at the least cost; its own if it has no neighbour of another
// label.
Label cheapest_neighbour(const Graph& graph, const Labels& z, Node i) {
    std::vector<std::pair<Label, double>> around;
    for (const auto& [j, cost] : graph.neighbours_of(i))
        if (z.of[j] != z.of[i]) around.emplace_back(z.of[j], cost);
    std::stable_sort(around.begin(), around.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Label best = z.of[i];
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t a = 0; a < around.size();) {
        const Label label = around[a].first;
        double cost = graph.costs_of(i)[z.class_of[label]];
        for (; a < around.size() && around[a].first == label; ++a) cost -= around[a].second;
        if (cost < least) best = label, least = cost;
    }
    return best;
}

} // namespace

void absorb_small(const Graph& segments, const Splittable& splittable, std::span<const std::int64_t> sizes,
                  std::int64_t min_size, Labels& z) {
    for (bool any = true; any;) {
        any = false;
        const Partition pieces = connected_parts(segments, z.of);
        std::vector<std::int64_t> size(pieces.count, 0);
        for (std::size_t i = 0; i < sizes.size(); ++i) size[pieces.part_of[i]] += sizes[i];
        const Graph graph = aggregate(segments, pieces.part_of, pieces.count);
        Labels whole = labels_of_parts(z, pieces.part_of, pieces.count, splittable);
        std::vector<Node> order(pieces.count);
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](Node i, Node j) { return size[i] < size[j]; });
        std::vector<std::uint8_t> changed(pieces.count, 0);
        for (const Node i : order) {
            if (size[i] >= min_size) break;
            if (changed[i]) continue; // joined by a neighbour in this round
            const Label label = cheapest_neighbour(graph, whole, i);
            if (label == whole.of[i]) continue;
            for (const auto& [j, cost] : graph.neighbours_of(i)) changed[j] |= whole.of[j] == label;
            whole.of[i] = label;
            changed[i] = 1;
            any = true;
        }
        z = spread_labels(whole, pieces.part_of, segments.num_classes);
    }
}

} // namespace intarsia::cut
