#include "coarse.hpp"

#include "aggregate.hpp"
#include "contraction.hpp"
#include "local_moves.hpp"

namespace intarsia::cut {

Labels solve_coarse(const Graph& graph, const Splittable& splittable, const Deadline& deadline) {
    const Clustering merged = contract(graph, Refresh::full, deadline);
    const Partition clusters = renumber(merged.clusters, merged.clusters.size());
    std::vector<Class> classes(static_cast<std::size_t>(clusters.count));
    for (std::size_t i = 0; i < merged.labels.size(); ++i) classes[static_cast<std::size_t>(clusters.part_of[i])] = merged.labels[i];
    const Graph whole = aggregate(graph, clusters.part_of, clusters.count);
    Labels z = labels_of(splittable, classes);
    move_locally(whole, cheapest_classes(whole, splittable), z, deadline);
    z = refined(z, clusters.part_of, graph.num_classes);
    move_locally(graph, cheapest_classes(graph, splittable), z, deadline);
    return z;
}

double cost_of(const Graph& graph, const Labels& z) {
    double total = 0;
    for (Node i = 0; i < graph.num_nodes; ++i) {
        const auto at = static_cast<std::size_t>(i);
        total += graph.costs_of(i)[static_cast<std::size_t>(z.class_at(at))];
        for (const auto& [j, cost] : graph.neighbours_of(i))
            if (i < j && z.of[at] != z.of[static_cast<std::size_t>(j)]) total += cost;
    }
    return total;
}

} // namespace intarsia::cut
