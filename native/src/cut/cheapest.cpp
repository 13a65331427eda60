#include "cheapest.hpp"

#include "narrow.hpp"
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

void find_cheapest(const Graph& graph, const Splittable& splittable, std::size_t i, CheapestClasses& result) {
    const float* costs = graph.costs_of(narrow<Node>(i)).data();
    float thing_cost = result.thing_cost[i], stuff_cost = result.stuff_cost[i];
    Class thing = 0, stuff = 0;
    for (Class k = 0; k < graph.num_classes; ++k)
        if (splittable[k]) {
            if (costs[k] < thing_cost) thing_cost = costs[k], thing = k;
        } else {
            if (costs[k] < stuff_cost) stuff_cost = costs[k], stuff = k;
        }
    result.thing_cost[i] = thing_cost, result.stuff_cost[i] = stuff_cost;
    result.thing[i] = thing, result.stuff[i] = stuff;
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

Task find_cheapest(const Graph& graph, const Splittable& splittable, CheapestClasses& result) {
    const std::size_t n = graph.num_nodes;
    result = nothing_yet(n);
    return {(n + block - 1) / block, [&graph, &splittable, &result, n](std::size_t piece) {
                const std::size_t end = std::min(n, (piece + 1) * block);
                for (std::size_t i = piece * block; i < end; ++i) find_cheapest(graph, splittable, i, result);
            }};
}

CheapestClasses cheapest_classes(const Graph& graph, const Splittable& splittable) {
    CheapestClasses result;
    Workers alone;
    alone.run(find_cheapest(graph, splittable, result));
    return result;
}

} // namespace intarsia::cut
