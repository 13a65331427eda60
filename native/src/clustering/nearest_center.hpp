// Which centre each point is nearest to, in an embedding space or in the image plane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

// For each of n points the number (from 1) of the nearest centre that is nearer than `radius`, 0 if none is.
// `columns` holds d rows of n values, `centers` one row of d values a centre. The first of equally near
// centres wins.
std::vector<std::int32_t> nearest_center(std::span<const float> columns, std::span<const float> centers,
                                         std::size_t dims, float radius);

struct ImageSize {
    std::size_t rows;
    std::size_t cols;
};

struct Peak {
    std::int64_t pixel;
    float value;
};

// Pixels above the threshold that no pixel of the window around them exceeds, highest first; of equals the
// first in memory order stands. `window` is odd.
std::vector<Peak> peaks(std::span<const float> heat, ImageSize size, float threshold, std::size_t window);

// For each pixel where `inside`: the number (from 1) of the centre nearest to the pixel + its offset, 0
// elsewhere. `offsets` holds the row offsets, then the column offsets; `centers` are (row, column) pairs.
std::vector<std::int32_t> group_by_offset(std::span<const float> offsets, std::span<const bool> inside,
                                          ImageSize size, std::span<const float> centers);

} // namespace intarsia
