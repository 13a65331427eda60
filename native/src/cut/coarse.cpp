#include "coarse.hpp"

#include "aggregate.hpp"
#include "chains.hpp"
#include "contraction.hpp"
#include "graph.hpp"
#include "joins.hpp"
#include "local_moves.hpp"

#include <algorithm>
#include <cmath>

namespace intarsia::cut {

namespace {

constexpr Node block_nodes = 200; // at least, for a block
constexpr Node most_blocks = 8;

// A quarter of what attraction is on average, from one edge in eight: Algorithm 2 merges most pairs above it
// early, before it comes to matter what lies outside their block.
double close(const Graph& graph) {
    double sum = 0, count = 0;
    for (std::size_t e = 0; e < graph.neighbours.size(); e += 8)
        if (const float cost = graph.neighbours[e].cost; cost > 0) sum += cost, ++count;
    return 0.25 * sum / std::max(count, 1.0);
}

CoarseGraph merge_close(const Graph& graph, const Deadline& deadline, Workers& workers) {
    const Blocks blocks{graph.num_nodes, std::clamp<Node>(graph.num_nodes / block_nodes, 1, most_blocks)};
    const Clustering clustering = contract_blocks(graph, blocks, close(graph), deadline, workers);
    CoarseGraph coarse{renumber(clustering.clusters, clustering.clusters.size()), {}};
    coarse.graph = aggregate(graph, coarse.parts.part_of, coarse.parts.count, workers);
    return coarse;
}

// Algorithm 2, then its clusters move as wholes.
Labels contract_and_move(const Graph& graph, const Splittable& splittable, const Deadline& deadline) {
    const Clustering clustering = contract(graph, Refresh::full, deadline);
    const Partition clusters = renumber(clustering.clusters, clustering.clusters.size());
    std::vector<Class> classes(clusters.count);
    for (std::size_t i = 0; i < clustering.classes.size(); ++i)
        classes[clusters.part_of[i]] = clustering.classes[i];
    const Graph whole = aggregate(graph, clusters.part_of, clusters.count);
    Labels z = labels_of(splittable, classes);
    move_locally(whole, splittable, cheapest_classes(whole, splittable), z, deadline);
    return spread_labels(z, clusters.part_of, graph.num_classes);
}

} // namespace

Labels solve_coarse(const Graph& graph, const Splittable& splittable, const Deadline& deadline,
                    Workers& workers, const Task& beside) {
    CoarseGraph coarse;
    const bool in_two_steps = graph.num_nodes >= 2 * block_nodes;
    if (in_two_steps) coarse = merge_close(graph, deadline, workers);
    Labels z;
    const auto contract_rest = [&] {
        z = contract_and_move(in_two_steps ? coarse.graph : graph, splittable, deadline);
        if (in_two_steps) z = spread_labels(z, coarse.parts.part_of, graph.num_classes);
        move_locally(graph, splittable, cheapest_classes(graph, splittable), z, deadline);
    };
    workers.run_beside(contract_rest, beside);
    return z;
}

void refine(const Graph& graph, const Splittable& splittable, Labels& z, const Deadline& deadline) {
    const CheapestClasses cheapest = cheapest_classes(graph, splittable);
    double cost = cost_of(graph, z);
    while (!deadline.passed()) {
        const Partition pieces = connected_parts(graph, z.of);
        const Graph segments = aggregate(graph, pieces.part_of, pieces.count);
        Labels whole = labels_of_parts(z, pieces.part_of, pieces.count, splittable);
        join_segments(segments, splittable, whole, deadline);
        move_locally(segments, splittable, cheapest_classes(segments, splittable), whole, deadline);
        z = spread_labels(whole, pieces.part_of, graph.num_classes);
        move_chains(graph, splittable, z, deadline);
        move_locally(graph, splittable, cheapest, z, deadline);
        const double now = cost_of(graph, z);
        if (!clearly_lower(now, cost)) return;
        cost = now;
    }
}

bool clearly_lower(double cost, double than) { return cost < than - 1e-7 * std::abs(than); }

Labels labels_of_parts(const Labels& z, std::span<const std::int32_t> part_of, std::int32_t num_parts,
                       const Splittable& splittable) {
    std::vector<Class> classes(num_parts);
    std::vector<Cluster> clusters(num_parts);
    std::vector<std::int32_t> first(z.class_of.size(), -1); // the first part of each label names it
    for (std::size_t i = 0; i < part_of.size(); ++i) {
        std::int32_t& name = first[z.of[i]];
        if (name < 0) name = part_of[i];
        classes[part_of[i]] = z.class_at(i);
        clusters[part_of[i]] = name;
    }
    return labels_of(splittable, classes, clusters);
}

} // namespace intarsia::cut
