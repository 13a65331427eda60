#include "check.hpp"
#include "metrics/png_overlap.hpp"
#include "png/chunks.hpp"
#include "png/id_rows.hpp"

#include <array>
#include <cstdlib>

using namespace intarsia;

namespace {

struct Random { // splitmix64
    std::uint64_t state;
    std::uint32_t below(std::uint32_t limit) {
        std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        return static_cast<std::uint32_t>(((z ^ (z >> 27)) >> 33) % limit);
    }
};

using Bytes = std::vector<std::uint8_t>;

std::uint8_t predicted(int filter, int a, int b, int c) {
    const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
    const int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    const std::array<int, 5> values{0, a, b, (a + b) / 2, paeth};
    return static_cast<std::uint8_t>(values[static_cast<std::size_t>(filter)]);
}

// The PNG specification word for word: filters the rows of pixels with random filters.
Bytes filtered(const Bytes& pixels, std::size_t height, std::size_t width, std::size_t channels,
               Random& random) {
    const std::size_t stride = width * channels;
    Bytes rows;
    for (std::size_t y = 0; y < height; ++y) {
        const int filter = static_cast<int>(random.below(5));
        rows.push_back(static_cast<std::uint8_t>(filter));
        for (std::size_t x = 0; x < stride; ++x) {
            const std::size_t at = y * stride + x;
            const int a = x >= channels ? pixels[at - channels] : 0;
            const int b = y > 0 ? pixels[at - stride] : 0;
            const int c = x >= channels && y > 0 ? pixels[at - stride - channels] : 0;
            rows.push_back(static_cast<std::uint8_t>(pixels[at] - predicted(filter, a, b, c)));
        }
    }
    return rows;
}

Bytes patches(std::size_t height, std::size_t width, std::size_t channels, Random& random) {
    const std::size_t side = 1 + random.below(40);
    const std::uint32_t seed = random.below(1u << 30);
    Bytes pixels;
    for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x) {
            Random patch{seed + 977 * (y / side) + x / side};
            for (std::size_t c = 0; c < channels; ++c)
                pixels.push_back(static_cast<std::uint8_t>(patch.below(256)));
        }
    return pixels;
}

std::vector<std::int32_t> ids_of(const Bytes& pixels, std::size_t channels) {
    std::vector<std::int32_t> ids;
    for (std::size_t at = 0; at < pixels.size(); at += channels)
        ids.push_back(pixels[at] + 256 * pixels[at + 1] + 65536 * pixels[at + 2]);
    return ids;
}

Bytes chunk(const char* kind, const Bytes& content) {
    Bytes all{0, 0, 0, static_cast<std::uint8_t>(content.size())};
    all.insert(all.end(), kind, kind + 4);
    all.insert(all.end(), content.begin(), content.end());
    all.insert(all.end(), 4, 0);
    return all;
}

Bytes png(std::uint8_t bits, std::uint8_t color, std::uint8_t interlaced) {
    Bytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    for (const Bytes& part :
         {chunk("IHDR", {0, 0, 0, 7, 0, 0, 0, 3, bits, color, 0, 0, interlaced}), chunk("tEXt", {1, 2}),
          chunk("IDAT", {5, 6}), chunk("IDAT", {7}), chunk("IEND", {})})
        file.insert(file.end(), part.begin(), part.end());
    return file;
}

} // namespace

TEST(ids_come_back_from_every_filter) {
    Random random{1};
    for (int round = 0; round < 200; ++round) {
        const std::size_t height = 1 + random.below(12), width = 1 + random.below(90),
                          channels = 3 + random.below(2);
        const Bytes pixels = patches(height, width, channels, random);
        const Bytes rows = filtered(pixels, height, width, channels, random);
        CHECK(read_id_rows(rows, height, width, channels) == ids_of(pixels, channels));
    }
}

TEST(pairs_of_two_pngs_are_those_of_their_maps) {
    Random random{2};
    for (int round = 0; round < 50; ++round) {
        const std::size_t height = 1 + random.below(12), width = 1 + random.below(90);
        const Bytes first = patches(height, width, 3, random), second = patches(height, width, 4, random);
        const Bytes a = filtered(first, height, width, 3, random),
                    b = filtered(second, height, width, 4, random);
        const auto got = count_png_pairs({a, 3}, {b, 4}, height, width);
        const auto want = count_id_pairs(ids_of(first, 3), ids_of(second, 4));
        CHECK(got && got->size() == want.size());
        for (std::size_t i = 0; got && i < want.size(); ++i)
            CHECK((*got)[i].first == want[i].first && (*got)[i].second == want[i].second &&
                  (*got)[i].count == want[i].count);
    }
}

TEST(a_filter_that_does_not_exist_gives_nothing) {
    const Bytes rows{5, 0, 0, 0};
    CHECK(read_id_rows(rows, 1, 1, 3).empty());
    CHECK(!count_png_pairs({rows, 3}, {rows, 3}, 1, 1));
}

TEST(a_picture_is_found_between_the_chunks) {
    const auto picture = find_picture(png(8, 2, 0), 21);
    CHECK(picture && picture->width == 7 && picture->height == 3 && picture->channels == 3);
    CHECK(picture && picture->packed == Bytes({5, 6, 7}));
    CHECK(find_picture(png(8, 6, 0), 21)->channels == 4);
}

TEST(other_kinds_and_broken_files_are_left_to_a_complete_reader) {
    CHECK(!find_picture(png(16, 2, 0), 100) && !find_picture(png(8, 3, 0), 100) &&
          !find_picture(png(8, 2, 1), 100));
    CHECK(!find_picture(png(8, 2, 0), 20));
    const Bytes whole = png(8, 2, 0);
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(!find_picture(std::span(whole).first(size), 100));
}
