// The cheapest classes of every node: all that most nodes ever need of their costs.
#pragma once

#include "grid.hpp"
#include "workers.hpp"

namespace intarsia::cut {

struct CheapestClasses {
    // The cheapest class in P and the cheapest outside P, and what they cost: infinity if there is no such
    // class.
    std::vector<float> thing_cost, stuff_cost;
    std::vector<Class> thing, stuff;

    float cost(std::size_t i) const { return std::min(thing_cost[i], stuff_cost[i]); }
    Class at(std::size_t i) const { return thing_cost[i] < stuff_cost[i] ? thing[i] : stuff[i]; }
};

// Ties go to the class with the lower index. One pass over the node costs.
Task find_cheapest(const Grid& grid, const Splittable& splittable, CheapestClasses& result);
Task find_cheapest(const Graph& graph, const Splittable& splittable, CheapestClasses& result);
CheapestClasses cheapest_classes(const Grid& grid, const Splittable& splittable, Workers& workers);
CheapestClasses cheapest_classes(const Graph& graph, const Splittable& splittable);

} // namespace intarsia::cut
