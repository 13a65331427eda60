#include "losses/lovasz_extension.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <utility>

namespace intarsia {
namespace {

// An entry is (inverted error bits: 31) (pixel: 32) (label: 1): ascending order is descending error, and the
// bits of a non-negative float are ordered as the float is, NaN above infinity.
constexpr int kErrorShift = 33;
constexpr std::uint32_t kErrorMask = 0x7fffffffu;
constexpr int kDigitBits = 11;
constexpr int kDigits = 3;
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;

float error_of(const LovaszMask& mask, std::size_t pixel) {
    if (!mask.valid.empty() && !mask.valid[pixel]) return 0.0f;
    return mask.labels[pixel] ? 1.0f - mask.scores[pixel] : mask.floor + mask.scores[pixel];
}

std::uint64_t pack(float error, std::size_t pixel, bool label) {
    const std::uint32_t bits = ~std::bit_cast<std::uint32_t>(error) & kErrorMask;
    return (std::uint64_t{bits} << kErrorShift) | (std::uint64_t{pixel} << 1) | (label ? 1u : 0u);
}

float error_in(std::uint64_t entry) {
    return std::bit_cast<float>(~static_cast<std::uint32_t>(entry >> kErrorShift) & kErrorMask);
}

std::size_t pixel_in(std::uint64_t entry) { return static_cast<std::uint32_t>(entry >> 1); }

struct Positives {
    std::size_t count = 0;
    float least_error = 0.0f; // no negative below it changes the loss: all positives come before
};

Positives count_positives(const LovaszMask& mask) {
    Positives positives;
    for (std::size_t i = 0; i < mask.labels.size(); ++i) {
        if (!mask.labels[i] || (!mask.valid.empty() && !mask.valid[i])) continue;
        const float error = error_of(mask, i);
        positives.least_error = positives.count == 0 ? error : std::min(positives.least_error, error);
        ++positives.count;
    }
    return positives;
}

// Without positives only the first pixel in the order, the largest error, has a weight.
double largest_error(const LovaszMask& mask, std::span<float> gradient) {
    float largest = 0.0f;
    std::size_t where = mask.labels.size();
    for (std::size_t i = 0; i < mask.labels.size(); ++i) {
        const float error = error_of(mask, i);
        if (error <= largest || largest != largest) continue; // NaN, once met, stays
        largest = error;
        where = i;
    }
    if (where < gradient.size()) gradient[where] = 1.0f;
    return largest;
}

void collect(const LovaszMask& mask, float least_positive, std::vector<std::uint64_t>& entries) {
    entries.resize(mask.labels.size());
    std::size_t count = 0;
    for (std::size_t i = 0; i < mask.labels.size(); ++i) {
        const float error = error_of(mask, i);
        const bool matters = !(error <= 0.0f) && (mask.labels[i] || !(error < least_positive));
        entries[count] = pack(error, i, mask.labels[i]);
        count += matters ? 1u : 0u;
    }
    entries.resize(count);
}

// Least significant digit first, so that equal errors keep the order of their pixels.
void radix_sort(LovaszWorkspace& workspace) {
    auto& [entries, sorted] = workspace;
    std::array<std::array<std::uint32_t, kBuckets>, kDigits> starts{};
    const auto digit = [](std::uint64_t entry, int d) {
        return (entry >> (kErrorShift + d * kDigitBits)) & (kBuckets - 1);
    };
    for (const std::uint64_t entry : entries)
        for (int d = 0; d < kDigits; ++d) ++starts[d][digit(entry, d)];
    sorted.resize(entries.size());
    for (int d = 0; d < kDigits; ++d) {
        auto& start = starts[d];
        if (std::ranges::find(start, entries.size()) != start.end()) continue; // one digit for all
        std::uint32_t sum = 0;
        for (std::uint32_t& s : start) sum += std::exchange(s, sum);
        for (const std::uint64_t entry : entries) sorted[start[digit(entry, d)]++] = entry;
        std::swap(entries, sorted);
    }
}

} // namespace

double lovasz_extension(const LovaszMask& mask, std::span<float> gradient, LovaszWorkspace& workspace) {
    const Positives positives = count_positives(mask);
    if (positives.count == 0) return largest_error(mask, gradient);
    collect(mask, positives.least_error, workspace.entries);
    radix_sort(workspace);
    // J_j - J_(j-1) of Berman et al. 2018, Algorithm 1, in closed form: no difference of near equals.
    double loss = 0.0;
    double missed = static_cast<double>(positives.count); // positives not yet met
    double total = missed;                                // positives and the negatives met
    for (const std::uint64_t entry : workspace.entries) {
        const bool label = (entry & 1u) != 0;
        const double weight = label ? 1.0 / total : missed / (total * (total + 1.0));
        if (label) missed -= 1.0;
        else total += 1.0;
        loss += weight * static_cast<double>(error_in(entry));
        if (!gradient.empty()) gradient[pixel_in(entry)] = static_cast<float>(label ? -weight : weight);
    }
    return loss;
}

} // namespace intarsia
