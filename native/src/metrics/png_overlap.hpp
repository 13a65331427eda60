// Counting the id pairs of two PNGs without ever holding their id maps.
#pragma once

#include "metrics/id_pairs.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace intarsia {

// The filtered rows of a PNG: filtered_size(height, width, channels) bytes.
struct FilteredRows {
    std::span<const std::uint8_t> bytes;
    std::size_t channels;
};

// As count_id_pairs of the two maps, row by row: only two rows a map are held, in the first cache.
// Nothing if a row has a filter that does not exist.
std::optional<std::vector<IdPair>> count_png_pairs(const FilteredRows& first, const FilteredRows& second,
                                                   std::size_t height, std::size_t width);

} // namespace intarsia
