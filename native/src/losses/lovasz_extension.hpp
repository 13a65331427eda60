// The Lovász extension of the Jaccard loss of one mask, with its gradient.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

// Buffers that one thread keeps from mask to mask.
struct LovaszWorkspace {
    std::vector<std::uint64_t> entries;
    std::vector<std::uint64_t> sorted;
};

// One mask: score s and label l of each pixel. The error is 1 - s where l, floor + s elsewhere; pixels that
// `valid` (empty: all) leaves out have none.
struct LovaszMask {
    std::span<const float> scores;
    std::span<const bool> labels;
    std::span<const bool> valid;
    float floor;
};

// The loss of Berman et al. 2018, eq. (9), over the positive errors. Writes d loss / d score into `gradient`,
// which must be zero before and is either empty or as long as the mask. Equal errors are taken in the order
// of their pixels. An empty label set costs the largest error. A NaN score makes the loss NaN.
double lovasz_extension(const LovaszMask& mask, std::span<float> gradient, LovaszWorkspace& workspace);

} // namespace intarsia
