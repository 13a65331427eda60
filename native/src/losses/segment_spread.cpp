#include "losses/segment_spread.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace intarsia {
namespace {

constexpr std::size_t kLongestRun = 256;
using Strip = std::array<float, kLongestRun>;

// Id maps are made of runs: visit(begin, size, segment) for each, cut at kLongestRun, without the pixels of
// none.
template <class Visit> void for_each_run(std::span<const std::int64_t> segments, Visit visit) {
    for (std::size_t begin = 0, end = 0; begin < segments.size(); begin = end) {
        const std::size_t limit = std::min(segments.size(), begin + kLongestRun);
        end = begin + 1;
        while (end < limit && segments[end] == segments[begin]) ++end;
        if (segments[begin] >= 0) visit(begin, end - begin, segments[begin]);
    }
}

// |x - mean| of the pixels of a run.
void distances(const SegmentedPixels& pixels, int norm, const float* mean, std::size_t begin,
               std::size_t size, Strip& distance) {
    const std::size_t stride = pixels.segments.size();
    std::fill_n(distance.begin(), size, norm == 1 ? 0.0f : 1e-8f);
    for (std::size_t k = 0; k < pixels.dims; ++k) {
        const float* values = pixels.values.data() + k * stride + begin;
        const float middle = mean[k];
        if (norm == 1)
            for (std::size_t j = 0; j < size; ++j) distance[j] += std::abs(values[j] - middle);
        else
            for (std::size_t j = 0; j < size; ++j) distance[j] += (values[j] - middle) * (values[j] - middle);
    }
    if (norm != 1)
        for (std::size_t j = 0; j < size; ++j) distance[j] = std::sqrt(distance[j]);
}

// What d stray / d x is in units of x - mean (norm 2) or of its sign (norm 1); distances become slopes.
void slopes(const StrayRule& rule, std::size_t size, Strip& distance) {
    for (std::size_t j = 0; j < size; ++j) {
        const float excess = std::max(distance[j] - rule.margin, 0.0f);
        distance[j] = 2.0f * excess / (rule.norm == 1 ? 1.0f : distance[j]);
    }
}

float direction(float step, int norm) {
    if (norm != 1) return step;
    return static_cast<float>(step > 0.0f) - static_cast<float>(step < 0.0f);
}

// Sums of an image's own segments; other rows of the table belong to other threads.
struct Sums {
    std::size_t first = 0;
    std::vector<double> values; // rows of dims + 1

    explicit Sums(const SegmentedPixels& pixels) {
        std::int64_t least = -1, greatest = -1;
        for (const std::int64_t s : pixels.segments) {
            if (s < 0) continue;
            least = least < 0 ? s : std::min(least, s);
            greatest = std::max(greatest, s);
        }
        if (least < 0) return;
        first = least;
        values.resize((greatest - least + 1) * (pixels.dims + 1));
    }
    double* row(std::size_t segment, std::size_t dims) {
        return values.data() + (segment - first) * (dims + 1);
    }
};

void find_means(const SegmentedPixels& pixels, const SegmentTable& table) {
    const std::size_t dims = pixels.dims, stride = pixels.segments.size();
    Sums sums(pixels);
    for_each_run(pixels.segments, [&](std::size_t begin, std::size_t size, std::size_t segment) {
        double* row = sums.row(segment, dims);
        for (std::size_t k = 0; k < dims; ++k) {
            const float* values = pixels.values.data() + k * stride + begin;
            float partial = 0.0f;
            for (std::size_t j = 0; j < size; ++j) partial += values[j];
            row[k] += static_cast<double>(partial);
        }
        row[dims] += static_cast<double>(size);
    });
    for (std::size_t i = 0; i * (dims + 1) < sums.values.size(); ++i) {
        const double* row = sums.values.data() + i * (dims + 1);
        const std::size_t segment = sums.first + i;
        if (row[dims] == 0.0) continue;
        table.area[segment] = static_cast<float>(row[dims]);
        for (std::size_t k = 0; k < dims; ++k)
            table.means[segment * dims + k] = static_cast<float>(row[k] / row[dims]);
    }
}

} // namespace

void measure_segments(const SegmentedPixels& pixels, const StrayRule& rule, const SegmentTable& table) {
    find_means(pixels, table);
    const std::size_t dims = pixels.dims, stride = pixels.segments.size();
    Sums sums(pixels);
    Strip strip;
    for_each_run(pixels.segments, [&](std::size_t begin, std::size_t size, std::size_t segment) {
        const float* mean = table.means.data() + segment * dims;
        distances(pixels, rule.norm, mean, begin, size, strip);
        double* row = sums.row(segment, dims);
        for (std::size_t j = 0; j < size; ++j) {
            const float excess = std::max(strip[j] - rule.margin, 0.0f);
            row[dims] += static_cast<double>(excess * excess);
        }
        slopes(rule, size, strip);
        for (std::size_t k = 0; k < dims; ++k) {
            const float* values = pixels.values.data() + k * stride + begin;
            float partial = 0.0f;
            for (std::size_t j = 0; j < size; ++j)
                partial += strip[j] * direction(mean[k] - values[j], rule.norm);
            row[k] += static_cast<double>(partial);
        }
    });
    for (std::size_t i = 0; i * (dims + 1) < sums.values.size(); ++i) {
        const double* row = sums.values.data() + i * (dims + 1);
        const std::size_t segment = sums.first + i;
        const double area = static_cast<double>(table.area[segment]);
        if (area == 0.0) continue;
        table.spread[segment] = static_cast<float>(row[dims] / area);
        for (std::size_t k = 0; k < dims; ++k)
            table.pull[segment * dims + k] = static_cast<float>(row[k] / area);
    }
}

void differentiate_segments(const SegmentedPixels& pixels, const StrayRule& rule, const SegmentTable& table,
                            const SegmentGradients& incoming, std::span<float> gradient) {
    const std::size_t dims = pixels.dims, stride = pixels.segments.size();
    Strip strip;
    for_each_run(pixels.segments, [&](std::size_t begin, std::size_t size, std::size_t segment) {
        const float* mean = table.means.data() + segment * dims;
        const float spread = incoming.spread[segment], share = 1.0f / table.area[segment];
        distances(pixels, rule.norm, mean, begin, size, strip);
        slopes(rule, size, strip);
        for (std::size_t k = 0; k < dims; ++k) {
            const std::size_t row = segment * dims + k;
            const float* values = pixels.values.data() + k * stride + begin;
            float* out = gradient.data() + k * stride + begin;
            const float common = share * (incoming.means[row] + spread * table.pull[row]);
            for (std::size_t j = 0; j < size; ++j)
                out[j] = common + share * spread * strip[j] * direction(values[j] - mean[k], rule.norm);
        }
    });
}

} // namespace intarsia
