#include "small_parts.hpp"

#include "disjoint_sets.hpp"

namespace intarsia::cut {

Partition find_small_parts(const Graph& graph, std::int32_t largest) {
    constexpr int passes = 4;
    DisjointSets sets(graph.num_nodes);
    std::vector<std::int32_t> size(graph.num_nodes, 1);
    for (int pass = 0; pass < passes; ++pass)
        for (Node i = 0; i < graph.num_nodes; ++i) {
            const Node own = sets.find(i);
            Node best = -1;
            float most = 0;
            for (const auto& [j, cost] : graph.neighbours_of(i)) {
                if (cost <= most) continue;
                const Node other = sets.find(j);
                if (other == own || size[own] + size[other] > largest) continue;
                best = other;
                most = cost;
            }
            if (best < 0) continue;
            const std::int32_t sum = size[own] + size[best];
            sets.join(own, best);
            size[std::min(own, best)] = sum;
        }
    Partition parts;
    parts.count = sets.number(parts.part_of);
    return parts;
}

} // namespace intarsia::cut
