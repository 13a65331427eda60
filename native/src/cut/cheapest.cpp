#include "cheapest.hpp"

#include "vectorised.hpp"
#include "workers.hpp"

#include <limits>

namespace intarsia::cut {
namespace {

constexpr std::size_t block = 2048; // pixels whose running minima stay in the first-level cache

INTARSIA_VECTORISED
void take_cheaper(const float* __restrict costs, Class k, std::size_t count, float* __restrict best,
                  Class* __restrict argument) {
    for (std::size_t p = 0; p < count; ++p) {
        const bool cheaper = costs[p] < best[p];
        best[p] = cheaper ? costs[p] : best[p];
        argument[p] = cheaper ? k : argument[p];
    }
}

CheapestClasses nothing_yet(std::size_t n) {
    const float none = std::numeric_limits<float>::infinity();
    return {std::vector<float>(n, none), std::vector<float>(n, none), std::vector<Class>(n, 0),
            std::vector<Class>(n, 0)};
}

} // namespace

Task find_cheapest(const Grid& grid, const Splittable& splittable, CheapestClasses& result) {
    const std::size_t n = grid.num_pixels();
    result = nothing_yet(n);
    return {(n + block - 1) / block, [&grid, &splittable, &result, n](std::size_t piece) {
                const std::size_t p = piece * block;
                for (Class k = 0; k < grid.num_classes; ++k) {
                    const float* costs = grid.node_costs.data() + k * n + p;
                    const std::size_t count = std::min(block, n - p);
                    if (splittable[k]) take_cheaper(costs, k, count, &result.thing_cost[p], &result.thing[p]);
                    else take_cheaper(costs, k, count, &result.stuff_cost[p], &result.stuff[p]);
                }
            }};
}

CheapestClasses cheapest_classes(const Grid& grid, const Splittable& splittable, Workers& workers) {
    CheapestClasses result;
    workers.run(find_cheapest(grid, splittable, result));
    return result;
}

CheapestClasses cheapest_classes(const Graph& graph, const Splittable& splittable) {
    CheapestClasses result = nothing_yet(graph.num_nodes);
    for (Node i = 0; i < graph.num_nodes; ++i) {
        const Node at = i;
        const std::span<const float> costs = graph.costs_of(i);
        for (Class k = 0; k < graph.num_classes; ++k) {
            const float cost = costs[k];
            float& least = (splittable[k] ? result.thing_cost : result.stuff_cost)[at];
            if (cost >= least) continue;
            least = cost;
            (splittable[k] ? result.thing : result.stuff)[at] = k;
        }
    }
    return result;
}

} // namespace intarsia::cut
