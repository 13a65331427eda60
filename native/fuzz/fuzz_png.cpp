// Mutates valid PNG frames and filtered rows, and reads them under the sanitizers: `make fuzz`.
// Every input is made from its number, so that `fuzz_png NUMBER 1` repeats one.
#include "metrics/png_overlap.hpp"
#include "png/chunks.hpp"
#include "png/id_rows.hpp"

#include <cstdio>
#include <cstdlib>

using namespace intarsia;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t MAX_PIXELS = 4096;

struct Random { // splitmix64
    std::uint64_t state;
    std::uint64_t next() {
        std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }
    std::uint8_t byte() { return static_cast<std::uint8_t>(next()); }
};

void append_chunk(Bytes& file, const char* kind, const Bytes& content) {
    const auto size = static_cast<std::uint32_t>(content.size());
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(size >> shift));
    file.insert(file.end(), kind, kind + 4);
    file.insert(file.end(), content.begin(), content.end());
    file.insert(file.end(), 4, 0);
}

Bytes valid_file(Random& random) {
    Bytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    const std::uint8_t color = random.below(2) == 0 ? 2 : 6;
    append_chunk(file, "IHDR", {0, 0, 0, random.byte(), 0, 0, 0, random.byte(), 8, color, 0, 0, 0});
    for (std::size_t n = random.below(4); n > 0; --n)
        append_chunk(file, random.below(4) == 0 ? "tEXt" : "IDAT", Bytes(random.below(40), random.byte()));
    append_chunk(file, "IEND", {});
    return file;
}

void mutate(Bytes& bytes, Random& random) {
    for (std::size_t n = random.below(6); n > 0 && !bytes.empty(); --n) {
        const std::size_t at = random.below(bytes.size());
        const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        switch (random.below(5)) {
        case 0:
            bytes[at] = random.byte();
            break;
        case 1:
            bytes[at] ^= static_cast<std::uint8_t>(1u << random.below(8));
            break;
        case 2:
            bytes.resize(at);
            break;
        case 3:
            bytes.insert(place, random.below(9), random.byte());
            break;
        default:
            bytes.insert(bytes.end(), bytes.begin(), place);
            break;
        }
    }
}

Bytes rows(std::size_t height, std::size_t width, std::size_t channels, Random& random) {
    Bytes bytes(filtered_size(height, width, channels), 0);
    for (std::size_t n = random.below(bytes.size() + 1); n > 0; --n)
        bytes[random.below(bytes.size())] = random.byte();
    for (std::size_t y = 0; y < height; ++y)
        bytes[y * (1 + width * channels)] =
            static_cast<std::uint8_t>(random.below(random.below(20) == 0 ? 256 : 5));
    return bytes;
}

// Both ways of counting agree, or both refuse.
bool rows_agree(Random& random) {
    const std::size_t height = 1 + random.below(6), width = 1 + random.below(70);
    const std::size_t a = 3 + random.below(2), b = 3 + random.below(2);
    const Bytes first = rows(height, width, a, random), second = rows(height, width, b, random);
    const auto pairs = count_png_pairs({first, a}, {second, b}, height, width);
    const auto x = read_id_rows(first, height, width, a), y = read_id_rows(second, height, width, b);
    if (x.empty() || y.empty()) return !pairs;
    return pairs && pairs->size() == count_id_pairs(x, y).size();
}

} // namespace

int main(int num_arguments, char** arguments) {
    const std::uint64_t first = num_arguments > 1 ? std::strtoull(arguments[1], nullptr, 10) : 0;
    const std::uint64_t count = num_arguments > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1000000;
    std::uint64_t num_pictures = 0;
    for (std::uint64_t number = first; number < first + count; ++number) {
        Random random{number};
        Bytes file = valid_file(random);
        mutate(file, random);
        const auto picture = find_picture(file, MAX_PIXELS);
        if (picture && picture->height * picture->width > MAX_PIXELS) std::abort();
        num_pictures += picture.has_value();
        if (!rows_agree(random)) {
            std::printf("input %llu: the two ways differ\n", static_cast<unsigned long long>(number));
            return 1;
        }
    }
    std::printf("%llu inputs, %llu with a picture\n", static_cast<unsigned long long>(count),
                static_cast<unsigned long long>(num_pictures));
    return 0;
}
