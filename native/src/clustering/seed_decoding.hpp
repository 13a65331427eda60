// Instances from seeds: each takes the points within the margin that it predicts for itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

struct SeedRules {
    float threshold;      // least value of a seed
    std::size_t min_size; // least number of points within a margin
    std::size_t
        refinements;      // how often the center moves to the weighted mean of the points within the margin
    std::size_t patience; // seeds in a row without a new group that end the search
};

struct SeedGroups {
    std::vector<std::int32_t> labels; // of each point: 0 for none, 1 to m for the groups in the order found
    std::vector<float> centers;       // m rows of d values
    std::vector<float> lambdas;       // m
    std::vector<float> scores;        // m, the value of the seed
};

// n points with `columns` of d rows of n values, `seeds` and `lambdas` = 1 / (2 sigma^2). From the highest
// unused seed down: the points with exp(-lambda |x - seed|^2) > 1/2 become a group if they are enough and
// more than half of them unused; they are used up either way. Of equal seeds the first in memory order comes
// first.
SeedGroups decode_seeds(std::span<const float> columns, std::size_t dims, std::span<const float> seeds,
                        std::span<const float> lambdas, const SeedRules& rules);

struct MembershipCenters {
    std::span<const float> centers;           // m rows of d values
    std::span<const float> lambdas;           // m
    std::span<const std::int32_t> categories; // m
};

// For each point the number (from 1) of the center of the point's category with the largest exp(-lambda |x -
// center|^2), where that is above `least`, else 0. The first of equal ones wins.
std::vector<std::int32_t> likeliest_center(std::span<const float> columns,
                                           std::span<const std::int32_t> categories, std::size_t dims,
                                           const MembershipCenters& among, float least);

} // namespace intarsia
