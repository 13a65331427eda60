#include "png/id_rows.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace intarsia {
namespace {

constexpr std::size_t BLOCK = 16; // pixels
enum Filter : std::uint8_t { NONE, SUB, UP, AVERAGE, PAETH };

// A pixel is three bytes of a word, the fourth is 0; the PNG filters work byte by byte.
using Pixel = std::uint32_t;

Pixel to_pixel(std::int32_t id) { return static_cast<Pixel>(id); }
std::int32_t to_id(Pixel pixel) { return static_cast<std::int32_t>(pixel); }

Pixel load(const std::uint8_t* at) {
    return static_cast<Pixel>(at[0]) | (static_cast<Pixel>(at[1]) << 8) | (static_cast<Pixel>(at[2]) << 16);
}

// Bytes added modulo 256, without carries between them.
Pixel add(Pixel a, Pixel b) { return ((a & 0x7f7f7fu) + (b & 0x7f7f7fu)) ^ ((a ^ b) & 0x808080u); }

Pixel average(Pixel a, Pixel b) { return (a & b) + (((a ^ b) & 0xfefefeu) >> 1); }

// PNG 1.2, section 6.6: of left, above and above left the one nearest to left + above - above left.
Pixel paeth(Pixel left, Pixel above, Pixel corner) {
    if (above == corner) return left;
    if (left == corner) return above;
    Pixel prediction = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        const int a = static_cast<int>((left >> shift) & 255u);
        const int b = static_cast<int>((above >> shift) & 255u);
        const int c = static_cast<int>((corner >> shift) & 255u);
        const int to_a = std::abs(b - c), to_b = std::abs(a - c), to_c = std::abs(a + b - 2 * c);
        const int nearest = to_a <= to_b && to_a <= to_c ? a : to_b <= to_c ? b : c;
        prediction |= static_cast<Pixel>(nearest) << shift;
    }
    return prediction;
}

Pixel predict(Filter filter, Pixel left, Pixel above, Pixel corner) {
    switch (filter) {
    case SUB:
        return left;
    case UP:
        return above;
    case AVERAGE:
        return average(left, above);
    case PAETH:
        return paeth(left, above, corner);
    default:
        return 0;
    }
}

bool all_zero(const std::uint8_t* bytes, std::size_t num_bytes) { // a multiple of 8
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < num_bytes; i += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes + i, 8);
        any |= word;
    }
    return any == 0;
}

// One row of one filter. `at` is the position of a pixel in the row.
template <Filter filter, std::size_t channels>
void undo(const std::uint8_t* bytes, std::span<const std::int32_t> above, std::span<std::int32_t> row) {
    Pixel left = 0, corner = 0;
    std::size_t at = 0;
    // True if the block is done: all its bytes are zero and the filter then only copies.
    const auto copy_block = [&]() {
        if (!all_zero(bytes + at * channels, BLOCK * channels)) return false;
        if constexpr (filter == NONE || filter == SUB) {
            std::fill_n(&row[at], BLOCK, filter == SUB ? to_id(left) : 0);
            return true;
        }
        // Paeth with left == corner predicts above, which becomes the next left == corner.
        if (filter == AVERAGE || (filter == PAETH && left != corner)) return false;
        std::copy_n(&above[at], BLOCK, &row[at]);
        return true;
    };
    const auto one_by_one = [&](std::size_t end) {
        for (; at < end; ++at) {
            const Pixel up = to_pixel(above[at]);
            left = add(load(bytes + at * channels), predict(filter, left, up, corner));
            row[at] = to_id(left);
            corner = up;
        }
    };
    while (at + BLOCK <= row.size()) {
        if (!copy_block()) {
            one_by_one(at + BLOCK);
            continue;
        }
        at += BLOCK;
        left = to_pixel(row[at - 1]);
        corner = to_pixel(above[at - 1]);
    }
    one_by_one(row.size());
}

template <std::size_t channels> bool undo(std::uint8_t filter, const std::uint8_t* bytes,
                                          std::span<const std::int32_t> above, std::span<std::int32_t> row) {
    switch (filter) {
    case NONE:
        undo<NONE, channels>(bytes, above, row);
        return true;
    case SUB:
        undo<SUB, channels>(bytes, above, row);
        return true;
    case UP:
        undo<UP, channels>(bytes, above, row);
        return true;
    case AVERAGE:
        undo<AVERAGE, channels>(bytes, above, row);
        return true;
    case PAETH:
        undo<PAETH, channels>(bytes, above, row);
        return true;
    default:
        return false;
    }
}

} // namespace

IdRows::IdRows(std::span<const std::uint8_t> filtered, std::size_t width, std::size_t channels)
    : filtered_(filtered), channels_(channels), stride_(1 + width * channels) {}

bool IdRows::next(std::span<const std::int32_t> above, std::span<std::int32_t> row) {
    const std::uint8_t* bytes = &filtered_[at_];
    at_ += stride_;
    return channels_ == 3 ? undo<3>(bytes[0], bytes + 1, above, row)
                          : undo<4>(bytes[0], bytes + 1, above, row);
}

std::vector<std::int32_t> read_id_rows(std::span<const std::uint8_t> filtered, std::size_t height,
                                       std::size_t width, std::size_t channels) {
    std::vector<std::int32_t> ids(height * width);
    const std::vector<std::int32_t> nothing(width, 0);
    IdRows rows(filtered, width, channels);
    std::span<const std::int32_t> above(nothing);
    for (std::size_t y = 0; y < height; ++y) {
        const auto row = std::span(ids).subspan(y * width, width);
        if (!rows.next(above, row)) return {};
        above = row;
    }
    return ids;
}

} // namespace intarsia
