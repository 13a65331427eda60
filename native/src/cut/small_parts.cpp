#include "small_parts.hpp"

#include "aggregate.hpp"
#include "blocks.hpp"
#include "disjoint_sets.hpp"

#include <algorithm>
#include <cmath>

namespace intarsia::cut {
namespace {

constexpr std::int32_t run_nodes = 8, block_runs = 16; // at most, in a run and in a block of runs
constexpr Node piece_nodes = 4096;                     // runs do not cross the borders of such pieces
constexpr float alike = 0.5f;                          // of the strongest attraction: as good as that

// Below this an edge is too weak to be trusted alone: a fifth of what they cost on average, from one in
// eight.
float weak(const Graph& graph) {
    double sum = 0, count = 0;
    for (std::size_t e = 0; e < graph.neighbours.size(); e += 8, ++count)
        sum += std::abs(graph.neighbours[e].cost);
    return static_cast<float>(0.2 * sum / std::max(count, 1.0));
}

// Each node joins the run of the nearest node before it that attracts it, as long as that has room.
std::vector<Node> find_runs(const Graph& graph, Workers& workers) {
    const float least = weak(graph);
    std::vector<Node> run_of(graph.num_nodes);
    const Blocks pieces{graph.num_nodes, std::max(1, graph.num_nodes / piece_nodes)};
    workers.run(pieces.count, [&](std::size_t b, std::size_t) {
        const Node first = pieces.first(b), end = pieces.first(b + 1);
        std::vector<std::int32_t> size(end - first, 0);
        for (Node i = first; i < end; ++i) {
            Node nearest = first - 1;
            for (const auto& [j, cost] : graph.neighbours_of(i))
                if (j < i && j > nearest && cost > least) nearest = j;
            const Node run = nearest < first ? i : run_of[nearest];
            run_of[i] = size[run - first] < run_nodes ? run : i;
            ++size[run_of[i] - first];
        }
    });
    return run_of;
}

// Each run joins the nearest before it of those that attract it about as much as any does.
Partition join_runs(const Graph& runs) {
    DisjointSets sets(runs.num_nodes);
    std::vector<std::int32_t> size(runs.num_nodes, 1);
    for (Node i = 0; i < runs.num_nodes; ++i) {
        float most = 0;
        for (const auto& [j, cost] : runs.neighbours_of(i)) most = std::max(most, cost);
        Node nearest = -1;
        for (const auto& [j, cost] : runs.neighbours_of(i))
            if (j < i && j > nearest && cost > alike * most) nearest = j;
        if (nearest < 0) continue;
        const Node own = sets.find(i), other = sets.find(nearest);
        if (own == other || size[own] + size[other] > block_runs) continue;
        sets.join(own, other);
        size[std::min(own, other)] = size[own] + size[other];
    }
    Partition parts;
    parts.count = sets.number(parts.part_of);
    return parts;
}

} // namespace

SmallParts find_small_parts(const Graph& graph, Workers& workers) {
    const Partition runs = renumber(find_runs(graph, workers), graph.num_nodes);
    const Graph between_runs = aggregate(graph, runs.part_of, runs.count, workers);
    Partition parts = join_runs(between_runs);
    SmallParts small{{}, aggregate(between_runs, parts.part_of, parts.count, workers)};
    small.parts.count = parts.count;
    small.parts.part_of.resize(graph.num_nodes);
    for (Node i = 0; i < graph.num_nodes; ++i) small.parts.part_of[i] = parts.part_of[runs.part_of[i]];
    return small;
}

} // namespace intarsia::cut
