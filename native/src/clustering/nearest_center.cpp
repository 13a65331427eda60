#include "clustering/nearest_center.hpp"

#include "narrow.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace intarsia {
namespace {

constexpr std::size_t kChunk = 256;

// Does no pixel of the window beat this one, where of equals the earlier wins?
bool is_peak(std::span<const float> heat, ImageSize size, std::size_t row, std::size_t col,
             std::size_t half) {
    const std::size_t here = row * size.cols + col;
    const std::size_t last_row = std::min(row + half, size.rows - 1),
                      last_col = std::min(col + half, size.cols - 1);
    for (std::size_t r = row - std::min(row, half); r <= last_row; ++r)
        for (std::size_t c = col - std::min(col, half); c <= last_col; ++c) {
            const std::size_t there = r * size.cols + c;
            if (heat[there] > heat[here] || (heat[there] == heat[here] && there < here)) return false;
        }
    return true;
}

// The image plane in square cells; each cell lists, once it is asked for, the centres that are nearest to
// some place in it. Places outside of the image belong to the cell at its border and are compared with all
// centres.
class CenterCells {
  public:
    CenterCells(ImageSize size, std::span<const float> centers)
        : rows_(size.rows / kSide + 1), cols_(size.cols / kSide + 1), centers_(centers),
          begins_(rows_ * cols_ + 1) {
        all_.resize(centers.size() / 2);
        for (std::size_t i = 0; i < all_.size(); ++i) all_[i] = narrow<std::uint32_t>(i);
    }

    std::uint32_t nearest(float row, float col) {
        std::uint32_t best = 0;
        float least = std::numeric_limits<float>::infinity();
        for (const std::uint32_t i : candidates(row, col)) {
            const float down = row - centers_[2 * i], right = col - centers_[2 * i + 1];
            const float squared = down * down + right * right;
            if (squared < least) {
                least = squared;
                best = i;
            }
        }
        return best;
    }

  private:
    static constexpr std::size_t kSide = 8;

    struct Range {
        std::size_t begin, count;
    };

    std::span<const std::uint32_t> candidates(float row, float col) {
        const float side = static_cast<float>(kSide);
        if (!(row >= 0.0f && col >= 0.0f && row < side * static_cast<float>(rows_) &&
              col < side * static_cast<float>(cols_)))
            return all_;
        const std::size_t r = static_cast<std::size_t>(row) / kSide,
                          c = static_cast<std::size_t>(col) / kSide;
        Range& range = begins_[r * cols_ + c];
        if (range.count == 0) range = list(static_cast<double>(r * kSide), static_cast<double>(c * kSide));
        return {lists_.data() + range.begin, range.count};
    }

    // A centre whose least distance to the cell exceeds another one's greatest is nearest to nothing in it.
    Range list(double top, double left) {
        const double half = 0.5 * static_cast<double>(kSide);
        double bound = std::numeric_limits<double>::infinity();
        distances_.resize(all_.size());
        for (const std::uint32_t i : all_) {
            const double down = std::abs(static_cast<double>(centers_[2 * i]) - top - half);
            const double right = std::abs(static_cast<double>(centers_[2 * i + 1]) - left - half);
            bound = std::min(bound, std::hypot(down + half, right + half));
            distances_[i] = std::hypot(std::max(down - half, 0.0), std::max(right - half, 0.0));
        }
        const std::size_t begin = lists_.size();
        for (const std::uint32_t i : all_)
            if (distances_[i] <= bound * 1.0001) lists_.push_back(i);
        return {begin, lists_.size() - begin};
    }

    std::size_t rows_, cols_;
    std::span<const float> centers_;
    std::vector<Range> begins_;
    std::vector<std::uint32_t> all_;
    std::vector<std::uint32_t> lists_;
    std::vector<double> distances_;
};

} // namespace

std::vector<std::int32_t> nearest_center(std::span<const float> columns, std::span<const float> centers,
                                         std::size_t dims, float radius) {
    const std::size_t num_points = dims == 0 ? 0 : columns.size() / dims;
    const std::size_t num_centers = dims == 0 ? 0 : centers.size() / dims;
    std::vector<std::int32_t> labels(num_points);
    std::array<float, kChunk> squared, least;
    for (std::size_t begin = 0; begin < num_points; begin += kChunk) {
        const std::size_t size = std::min(kChunk, num_points - begin);
        least.fill(radius * radius);
        for (std::size_t center = 0; center < num_centers; ++center) {
            squared.fill(0.0f);
            for (std::size_t k = 0; k < dims; ++k) {
                const float* values = columns.data() + k * num_points + begin;
                const float middle = centers[center * dims + k];
                for (std::size_t j = 0; j < size; ++j)
                    squared[j] += (values[j] - middle) * (values[j] - middle);
            }
            const auto number = narrow<std::int32_t>(center + 1);
            std::int32_t* label = labels.data() + begin;
            for (std::size_t j = 0; j < size; ++j) {
                label[j] = squared[j] < least[j] ? number : label[j];
                least[j] = squared[j] < least[j] ? squared[j] : least[j];
            }
        }
    }
    return labels;
}

std::vector<Peak> peaks(std::span<const float> heat, ImageSize size, float threshold, std::size_t window) {
    std::vector<Peak> maxima;
    for (std::size_t row = 0; row < size.rows; ++row)
        for (std::size_t col = 0; col < size.cols; ++col) {
            const std::size_t here = row * size.cols + col;
            if (heat[here] > threshold && is_peak(heat, size, row, col, window / 2))
                maxima.push_back({narrow<std::int64_t>(here), heat[here]});
        }
    std::ranges::stable_sort(maxima, [](const Peak& a, const Peak& b) { return a.value > b.value; });
    return maxima;
}

std::vector<std::int32_t> group_by_offset(std::span<const float> offsets, std::span<const bool> inside,
                                          ImageSize size, std::span<const float> centers) {
    const std::size_t num_pixels = size.rows * size.cols;
    std::vector<std::int32_t> labels(num_pixels);
    if (centers.empty()) return labels;
    CenterCells cells(size, centers);
    for (std::size_t row = 0; row < size.rows; ++row)
        for (std::size_t col = 0; col < size.cols; ++col) {
            const std::size_t i = row * size.cols + col;
            if (!inside[i]) continue;
            const float down = static_cast<float>(row) + offsets[i];
            const float right = static_cast<float>(col) + offsets[num_pixels + i];
            labels[i] = narrow<std::int32_t>(cells.nearest(down, right)) + 1;
        }
    return labels;
}

} // namespace intarsia
