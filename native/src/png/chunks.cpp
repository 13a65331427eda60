#include "png/chunks.hpp"

#include <algorithm>
#include <array>

namespace intarsia {
namespace {

constexpr std::array<std::uint8_t, 8> SIGNATURE{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t CHUNK_FRAME = 12; // length, kind, checksum around each chunk's content
constexpr std::size_t HEADER_SIZE = 13;
constexpr std::uint32_t IHDR = 0x49484452, IDAT = 0x49444154, IEND = 0x49454e44;
constexpr std::uint32_t CRITICAL_BIT = 0x20000000; // clear in kinds that a reader must understand

std::uint32_t big_endian(const std::uint8_t* at) {
    return (static_cast<std::uint32_t>(at[0]) << 24) | (static_cast<std::uint32_t>(at[1]) << 16) |
           (static_cast<std::uint32_t>(at[2]) << 8) | static_cast<std::uint32_t>(at[3]);
}

// Bit depth 8, colour type 2 or 6, the one compression and filter method, not interlaced.
bool plain_rgb(const std::uint8_t* header) {
    const bool rgb = header[9] == 2 || header[9] == 6;
    return header[8] == 8 && rgb && header[10] == 0 && header[11] == 0 && header[12] == 0;
}

} // namespace

std::optional<PngPicture> find_picture(std::span<const std::uint8_t> file, std::size_t max_pixels) {
    if (file.size() < SIGNATURE.size() || !std::equal(SIGNATURE.begin(), SIGNATURE.end(), file.begin()))
        return {};
    PngPicture picture{0, 0, 0, {}};
    std::size_t at = SIGNATURE.size();
    while (file.size() - at >= CHUNK_FRAME) {
        const std::size_t length = big_endian(&file[at]);
        const std::uint32_t kind = big_endian(&file[at + 4]);
        if (length > file.size() - at - CHUNK_FRAME) return {};
        const auto content = file.subspan(at + 8, length);
        at += CHUNK_FRAME + length;
        if ((kind == IHDR) != (picture.channels == 0)) return {}; // the header comes first, and once
        if (kind == IHDR) {
            if (length != HEADER_SIZE || !plain_rgb(content.data())) return {};
            picture.width = big_endian(content.data());
            picture.height = big_endian(content.data() + 4);
            picture.channels = content[9] == 2 ? 3 : 4;
            if (picture.width == 0 || picture.height == 0 || picture.height > max_pixels / picture.width)
                return {};
        } else if (kind == IDAT) {
            picture.packed.insert(picture.packed.end(), content.begin(), content.end());
        } else if (kind == IEND) {
            return picture;
        } else if ((kind & CRITICAL_BIT) == 0 && kind != 0x504c5445) { // a palette may be suggested
            return {};
        }
    }
    return {};
}

} // namespace intarsia
