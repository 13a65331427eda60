// Counting the pairs of two label PNGs as one would write it first, apart from the library: undo the row filters
// pixel by pixel with SSE registers, pack ids, count runs into a hash map. Inflating is the caller's.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <emmintrin.h>
#include <unordered_map>
#include <vector>

namespace {

__m128i load(const std::uint8_t* at) {
    std::int32_t word = 0;
    std::memcpy(&word, at, 3);
    return _mm_cvtsi32_si128(word);
}

void store(std::uint8_t* at, __m128i value) {
    const std::int32_t word = _mm_cvtsi128_si32(value);
    std::memcpy(at, &word, 3);
}

__m128i magnitude(__m128i x) { return _mm_max_epi16(x, _mm_sub_epi16(_mm_setzero_si128(), x)); }
__m128i choose(__m128i mask, __m128i a, __m128i b) { return _mm_or_si128(_mm_and_si128(mask, a), _mm_andnot_si128(mask, b)); }

// PNG 1.2, section 6: the pixel that a filter predicts is added to the one in the file.
void undo(int filter, const std::uint8_t* from, const std::uint8_t* above, std::uint8_t* to, std::size_t width) {
    const __m128i zero = _mm_setzero_si128();
    __m128i a = zero, c = zero;
    if (filter == 0) { std::memcpy(to, from, 3 * width); return; }
    if (filter == 2) {
        for (std::size_t i = 0; i < 3 * width; ++i) to[i] = static_cast<std::uint8_t>(from[i] + above[i]);
        return;
    }
    for (std::size_t i = 0; i < 3 * width; i += 3) {
        const __m128i x = load(from + i), b = load(above + i);
        if (filter == 1) {
            a = _mm_add_epi8(a, x);
        } else if (filter == 3) {
            const __m128i odd = _mm_and_si128(_mm_xor_si128(a, b), _mm_set1_epi8(1));
            a = _mm_add_epi8(x, _mm_sub_epi8(_mm_avg_epu8(a, b), odd));
        } else {
            const __m128i wide_a = _mm_unpacklo_epi8(a, zero), wide_b = _mm_unpacklo_epi8(b, zero), wide_c = _mm_unpacklo_epi8(c, zero);
            const __m128i from_a = magnitude(_mm_sub_epi16(wide_b, wide_c)), from_b = magnitude(_mm_sub_epi16(wide_a, wide_c));
            const __m128i from_c = magnitude(_mm_sub_epi16(_mm_add_epi16(wide_a, wide_b), _mm_add_epi16(wide_c, wide_c)));
            const __m128i least = _mm_min_epi16(from_c, _mm_min_epi16(from_a, from_b));
            const __m128i nearest = choose(_mm_cmpeq_epi16(least, from_a), wide_a, choose(_mm_cmpeq_epi16(least, from_b), wide_b, wide_c));
            a = _mm_add_epi8(x, _mm_packus_epi16(nearest, nearest));
            c = b;
        }
        store(to + i, a);
    }
}

std::vector<std::uint32_t> ids(const std::uint8_t* rows, std::size_t height, std::size_t width) {
    std::vector<std::uint8_t> colors(3 * width * (height + 1) + 1, 0); // a row of zeros above the first
    std::vector<std::uint32_t> packed(height * width);
    for (std::size_t y = 0; y < height; ++y) {
        const std::uint8_t* from = rows + y * (1 + 3 * width);
        std::uint8_t* to = &colors[3 * width * (y + 1)];
        undo(from[0], from + 1, to - 3 * width, to, width);
        for (std::size_t x = 0; x < width; ++x)
            packed[y * width + x] = to[3 * x] | (to[3 * x + 1] << 8) | (static_cast<std::uint32_t>(to[3 * x + 2]) << 16);
    }
    return packed;
}

} // namespace

// The number of different pairs of ids in two pictures of 8-bit RGB rows with their filter bytes.
extern "C" std::size_t count_pairs(const std::uint8_t* first, const std::uint8_t* second, std::size_t height, std::size_t width) {
    const auto a = ids(first, height, width), b = ids(second, height, width);
    std::unordered_map<std::uint64_t, std::size_t> counts;
    for (std::size_t start = 0, end = 0; start < a.size(); start = end) {
        while (end < a.size() && a[end] == a[start] && b[end] == b[start]) ++end;
        counts[(static_cast<std::uint64_t>(a[start]) << 32) | b[start]] += end - start;
    }
    return counts.size();
}
