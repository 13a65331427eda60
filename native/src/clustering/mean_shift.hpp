// Grouping the points of an embedding space around the means that a flat kernel climbs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

struct MeanShiftRules {
    float bandwidth;
    std::size_t min_size;       // points; smaller groups are dropped
    std::size_t max_iterations; // steps of one seed
    std::size_t max_failures;   // consecutive seeds that do not converge before it ends
    std::size_t patience;       // consecutive seeds without a new group before it ends
};

struct PointGroups {
    std::vector<std::int32_t>
        labels;                 // of each point: 0 none, 1..number of groups in the order they were found
    std::vector<float> centers; // one row of d values a group
};

// De Brabandere et al. 2017, the authors' fast variant: from an unused point climb to the mean of the unused
// points within the bandwidth; the unused points around it become a group unless half of all points there
// have one already. Either way they are used up. `columns` holds d rows of n finite values. Seeds are tried
// in `order`, or, if it is empty, from the fullest block of near points to the emptiest.
PointGroups mean_shift(std::span<const float> columns, std::size_t dims, std::span<const std::int64_t> order,
                       const MeanShiftRules& rules);

} // namespace intarsia
