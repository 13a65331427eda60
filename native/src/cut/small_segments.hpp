// Giving segments that are too small to their neighbours.
#pragma once

#include "deadline.hpp"
#include "labels.hpp"

namespace intarsia::cut {

// Every node is a connected segment of sizes[i] pixels. As long as one with neighbours, counting all that is
// joined with it, is smaller than min_size, the smallest takes the label of the neighbour where that costs
// least. What is small because a wide class outside P surrounds it can end in that class.
void absorb_small(const Graph& segments, const Splittable& splittable, std::span<const std::int64_t> sizes,
                  std::int64_t min_size, Labels& z);

} // namespace intarsia::cut
