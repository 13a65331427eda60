// Finding the picture inside a PNG file: its size and its compressed rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace intarsia {

struct PngPicture {
    std::size_t height;
    std::size_t width;
    std::size_t channels;             // 3 (RGB) or 4 (RGBA), 8 bits each, not interlaced
    std::vector<std::uint8_t> packed; // the zlib stream of the filtered rows
};

// Nothing for any other kind of PNG, one that is cut off or contradicts itself, or more than
// `max_pixels`: those are for a complete reader, which also says what is wrong.
std::optional<PngPicture> find_picture(std::span<const std::uint8_t> file, std::size_t max_pixels);

} // namespace intarsia
