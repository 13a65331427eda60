// Means of segments of embeddings and how far their pixels stray from them, with gradients, in two passes
// over the pixels and no copy of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

// The pixels of one image: d rows of p values, and the segment of each pixel, negative for none.
struct SegmentedPixels {
    std::span<const float> values;
    std::span<const std::int64_t> segments;
    std::size_t dims;
};

// A pixel strays by [|x - mean| - margin]_+^2, in norm 1 or in norm 2 as sqrt(v.v + 1e-8).
struct StrayRule {
    float margin;
    int norm;
};

// One row, or one value, a segment. An image writes the rows of its own segments only.
struct SegmentTable {
    std::span<float> means;  // s d
    std::span<float> spread; // s: mean of the strays
    std::span<float> pull;   // s d: d spread / d mean
    std::span<float> area;   // s: pixels
};

void measure_segments(const SegmentedPixels& pixels, const StrayRule& rule, const SegmentTable& table);

struct SegmentGradients {
    std::span<const float> means;  // s d
    std::span<const float> spread; // s
};

// Writes d loss / d values, given those of the means and the spread that measure_segments found.
void differentiate_segments(const SegmentedPixels& pixels, const StrayRule& rule, const SegmentTable& table,
                            const SegmentGradients& incoming, std::span<float> gradient);

} // namespace intarsia
