// Reading segment ids (R + 256 G + 65536 B) straight from the filtered rows of a PNG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

// How many bytes the filtered rows of a picture have: a filter byte and the pixels of each row.
constexpr std::size_t filtered_size(std::size_t height, std::size_t width, std::size_t channels) {
    return height * (1 + width * channels);
}

// Undoes the filter of one row after the other. Most pixels of a label map equal their neighbour, so most
// blocks of filtered bytes are zero and whole blocks of ids are copied; the rest goes pixel by pixel.
class IdRows {
  public:
    // `filtered` has filtered_size(...) bytes and outlives this reader; channels is 3 or 4 (alpha is left
    // out).
    IdRows(std::span<const std::uint8_t> filtered, std::size_t width, std::size_t channels);

    // The ids of the next row, given those of the row before (zeros for the first); both have `width` ids.
    // False if the row's filter does not exist. Call it at most `height` times.
    bool next(std::span<const std::int32_t> above, std::span<std::int32_t> row);

  private:
    std::span<const std::uint8_t> filtered_;
    std::size_t channels_;
    std::size_t stride_;
    std::size_t at_ = 0;
};

// All ids of a picture in row-major order; empty if a row has a filter that does not exist.
std::vector<std::int32_t> read_id_rows(std::span<const std::uint8_t> filtered, std::size_t height,
                                       std::size_t width, std::size_t channels);

} // namespace intarsia
