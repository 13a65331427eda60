// Counting how often two label maps show each pair of ids at the same pixel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

struct IdPair {
    std::int32_t first;
    std::int32_t second;
    std::int64_t count; // pixels
};

// One entry for each pair of ids that occurs, ordered by (first, second). The maps have the same
// number of pixels. Label maps are made of long runs, so a run costs one look-up, not one a pixel.
std::vector<IdPair> count_id_pairs(std::span<const std::int32_t> first, std::span<const std::int32_t> second);

} // namespace intarsia
