// Solving the small problem between regions: contraction, then moves of whole clusters and of single regions.
#pragma once

#include "deadline.hpp"
#include "labels.hpp"
#include "workers.hpp"

namespace intarsia::cut {

// Labels for the nodes of a coarse graph, of low cost.
//
// Algorithm 2 merges pairs and cannot know that two clusters far apart took the same class outside P, or that
// a third one did in between, which forces edges together that would rather be cut. So its clusters move
// next, as wholes, to the label that is cheapest with everything counted, and then the single nodes do.
//
// In a large graph, what is close within a block of nodes is merged first, the blocks side by side. The rest
// is up to one worker; the others do what is to be done beside it. The answer does not depend on the number
// of workers.
Labels solve_coarse(const Graph& graph, const Splittable& splittable, const Deadline& deadline,
                    Workers& workers, const Task& beside = {});

// Local search that never raises the cost: joins of connected segments, chains and moves of nodes, until none
// gains.
void refine(const Graph& graph, const Splittable& splittable, Labels& z, const Deadline& deadline);

// Whether a cost is lower by more than rounding. Costs of a coarse graph are sums rounded to float, to one
// part in some 10^7: to gain less may be no gain in the problem itself, and a search might go on for it
// without end.
bool clearly_lower(double cost, double than);

// The labels of parts whose nodes share one: a part has the label of any of its nodes.
Labels labels_of_parts(const Labels& z, std::span<const std::int32_t> part_of, std::int32_t num_parts,
                       const Splittable& splittable);

} // namespace intarsia::cut
