#include "small_parts.hpp"

#include "aggregate.hpp"
#include "blocks.hpp"
#include "disjoint_sets.hpp"
#include "edge_sums.hpp"
#include "narrow.hpp"

#include <algorithm>
#include <cmath>

namespace intarsia::cut {
namespace {

constexpr std::int32_t run_nodes = 8, part_runs = 16; // at most, in a run and in a part
constexpr Node block_nodes = 4096;                    // runs do not cross the borders of such blocks
constexpr float alike = 0.5f;                         // of the strongest attraction: as good as that

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
    const Blocks blocks{graph.num_nodes, std::max(1, graph.num_nodes / block_nodes)};
    workers.run(blocks.count, [&](std::size_t b, std::size_t) {
        const Node first = blocks.first(b), end = blocks.first(b + 1);
        std::vector<std::int32_t> size(end - first, 0);
        for (Node i = first; i < end; ++i) {
            Node nearest = first - 1;
            for (const auto& [j, cost] : graph.lower_neighbours_of(i))
                nearest = cost > least ? std::max(nearest, j) : nearest;
            const Node run = nearest < first ? i : run_of[nearest];
            run_of[i] = size[run - first] < run_nodes ? run : i;
            ++size[run_of[i] - first];
        }
    });
    return run_of;
}

// The nearest run before each that attracts it about as much as any does, -1 if there is none.
std::vector<Node> nearest_runs(std::span<const PartEdges> blocks, std::int32_t num_runs) {
    const auto for_edges = [&](const auto& visit) {
        for (const PartEdges& edges : blocks)
            for (std::size_t e = 0; e < edges.costs.size(); ++e)
                visit(edges.ends[2 * e], edges.ends[2 * e + 1], edges.costs[e]);
    };
    std::vector<float> most(num_runs, 0);
    for_edges([&](Node i, Node j, float cost) {
        most[i] = std::max(most[i], cost);
        most[j] = std::max(most[j], cost);
    });
    std::vector<Node> nearest(num_runs, -1);
    for_edges([&](Node i, Node j, float cost) {
        if (cost > alike * most[j]) nearest[j] = std::max(nearest[j], i);
    });
    return nearest;
}

// Runs are joined with their nearest as long as there is room.
Partition join_runs(std::span<const Node> nearest) {
    DisjointSets sets(nearest.size());
    std::vector<std::int32_t> size(nearest.size(), 1);
    for (std::size_t i = 0; i < nearest.size(); ++i) {
        if (nearest[i] < 0) continue;
        const Node own = sets.find(narrow<Node>(i)), other = sets.find(nearest[i]);
        if (own == other || size[own] + size[other] > part_runs) continue;
        sets.join(own, other);
        size[std::min(own, other)] = size[own] + size[other];
    }
    Partition parts;
    parts.count = sets.number(parts.part_of);
    return parts;
}

// Edges between runs, added up to those between parts of runs.
std::vector<EdgeSums> sums_between(std::span<const PartEdges> blocks, const Partition& parts,
                                   Workers& workers) {
    std::vector<EdgeSums> sums(blocks.size());
    workers.run(blocks.size(), [&](std::size_t b, std::size_t) {
        const PartEdges& edges = blocks[b];
        for (std::size_t e = 0; e < edges.costs.size(); ++e) {
            const Node i = parts.part_of[edges.ends[2 * e]], j = parts.part_of[edges.ends[2 * e + 1]];
            if (i != j) sums[b].add(i, j, edges.costs[e]);
        }
        sums[b].close();
    });
    return sums;
}

} // namespace

CoarseGraph find_small_parts(const Graph& graph, Workers& workers) {
    const Partition runs = renumber(find_runs(graph, workers), graph.num_nodes);
    const std::vector<PartEdges> between = edges_between(graph, runs.part_of, runs.count, workers);
    const Partition parts = join_runs(nearest_runs(between, runs.count));
    CoarseGraph small;
    small.parts.count = parts.count;
    small.parts.part_of.resize(graph.num_nodes);
    for (Node i = 0; i < graph.num_nodes; ++i) small.parts.part_of[i] = parts.part_of[runs.part_of[i]];
    std::vector<EdgeSums> sums = sums_between(between, parts, workers);
    small.graph = graph_of_sums(parts.count, graph.num_classes, sums);
    small.graph.own(node_costs_of_parts(graph, small.parts.part_of, parts.count, workers));
    return small;
}

} // namespace intarsia::cut
