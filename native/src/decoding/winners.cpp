#include "decoding/winners.hpp"

#include "narrow.hpp"
#include "parallel_for.hpp"
#include "vectorised.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace intarsia {
namespace {

constexpr std::size_t kLanes = 8;
constexpr std::size_t kBand = 16; // rows of cells that a thread takes at a time

struct Weights { // of the points around a cell, for eight of its pixels
    std::array<float, kLanes> above, below, left, right;
};

struct Corners { // a channel's values around a cell
    float top_left, top_right, bottom_left, bottom_right;
    std::int32_t channel;
};

// The number of the largest value at each point of a row; false if a value is not finite.
INTARSIA_VECTORISED
bool argmax_of_row(const float* values, std::size_t plane, std::size_t channels, std::size_t cols,
                   float* largest, std::int32_t* winner) {
    constexpr std::uint32_t exponent = 0x7f800000; // all ones: infinite, or not a number
    std::uint32_t strange = 0;
    std::fill_n(largest, cols, -std::numeric_limits<float>::max());
    std::fill_n(winner, cols, 0);
    for (std::size_t k = 0; k < channels; ++k) {
        const float* row = values + k * plane;
        const auto number = narrow<std::int32_t>(k);
        for (std::size_t c = 0; c < cols; ++c) {
            strange |= (std::bit_cast<std::uint32_t>(row[c]) & exponent) == exponent ? 1u : 0u;
            winner[c] = row[c] > largest[c] ? number : winner[c];
            largest[c] = row[c] > largest[c] ? row[c] : largest[c];
        }
    }
    return strange == 0;
}

// The number of the largest channel at each of eight pixels; of equal ones the first.
INTARSIA_VECTORISED_FMA
void contest(const Corners* first, const Corners* last, const Weights& at, std::int32_t* winner) {
    std::array<float, kLanes> largest;
    std::array<std::int32_t, kLanes> number;
    largest.fill(-std::numeric_limits<float>::infinity());
    number.fill(0);
    for (; first != last; ++first) {
        const auto [top_left, top_right, bottom_left, bottom_right, channel] = *first;
        for (std::size_t p = 0; p < kLanes; ++p) {
            const float top = std::fma(top_left, at.left[p], top_right * at.right[p]);
            const float bottom = std::fma(bottom_left, at.left[p], bottom_right * at.right[p]);
            const float value = std::fma(top, at.above[p], bottom * at.below[p]);
            number[p] = value > largest[p] ? channel : number[p];
            largest[p] = value > largest[p] ? value : largest[p];
        }
    }
    std::copy(number.begin(), number.end(), winner);
}

// The weights of all pixels of a cell, eight at a time. A cell that is cut off at the end of the image has
// the first of them.
std::vector<Weights> weights_of_cell(const GridCells& cells, std::size_t down, std::size_t right) {
    const std::size_t stride = cells.rows.stride, count = stride * stride;
    std::vector<Weights> weights((count + kLanes - 1) / kLanes);
    for (std::size_t p = 0; p < count; ++p) { // before the first point there is only that point
        const auto below = down == 0 ? 0.0f : static_cast<float>(cells.rows.share(down, p / stride));
        const auto after = right == 0 ? 0.0f : static_cast<float>(cells.cols.share(right, p % stride));
        Weights& eight = weights[p / kLanes];
        eight.above[p % kLanes] = 1.0f - below;
        eight.below[p % kLanes] = below;
        eight.left[p % kLanes] = 1.0f - after;
        eight.right[p % kLanes] = after;
    }
    return weights;
}

template <class Label> class Winners {
  public:
    Winners(std::span<const float> values, std::size_t channels, const GridCells& cells,
            std::span<Label> winners)
        : values_(values), channels_(channels), cells_(cells), winners_(winners) {
        for (std::size_t i = 0; i < 4; ++i) weights_[i] = weights_of_cell(cells, i / 2, i % 2);
    }

    // The rows of cells from `first` up to `last`; false if a value is not finite.
    bool band(std::size_t first, std::size_t last) const {
        Scratch scratch{std::vector<float>(std::max(cells_.cols.points, channels_)),
                        std::vector<Corners>(channels_),
                        std::vector<std::int32_t>(weights_[0].size() * kLanes)};
        std::vector<std::int32_t> above(cells_.cols.points), below(cells_.cols.points);
        if (!row_of_points(cells_.rows.run(first).before, scratch, below)) return false;
        for (std::size_t down = first; down < last; ++down) {
            const PixelRun rows = cells_.rows.run(down);
            std::swap(above, below);
            if (rows.before == rows.after) below = above;
            else if (!row_of_points(rows.after, scratch, below)) return false;
            row_of_cells(down, above, below, scratch);
        }
        return true;
    }

  private:
    struct Scratch {
        std::vector<float> highest; // of each point of a row, or of each channel around a cell
        std::vector<Corners> contestants;
        std::vector<std::int32_t> pixels; // of a cell
    };

    bool row_of_points(std::size_t row, Scratch& scratch, std::vector<std::int32_t>& winner) const {
        return argmax_of_row(&values_[row * cells_.cols.points], cells_.num_points(), channels_,
                             cells_.cols.points, scratch.highest.data(), winner.data());
    }

    void row_of_cells(std::size_t down, const std::vector<std::int32_t>& above,
                      const std::vector<std::int32_t>& below, Scratch& scratch) const {
        const PixelRun rows = cells_.rows.run(down);
        if (cells_.rows.stride == 1) { // every pixel is a point
            for (std::size_t row = rows.begin; row < rows.end; ++row)
                for (std::size_t col = 0; col < cells_.cols.pixels; ++col)
                    winners_[row * cells_.cols.pixels + col] = narrow<Label>(above[col]);
            return;
        }
        std::size_t begin = 0; // of the pixels before this cell that have one winner and are not written yet
        std::int32_t same = above[0];
        for (std::size_t right = 0; right < cells_.cols.num_runs(); ++right) {
            const PixelRun cols = cells_.cols.run(right);
            const std::int32_t winner = above[cols.before];
            const bool clear =
                winner == above[cols.after] && winner == below[cols.before] && winner == below[cols.after];
            if (clear && winner == same) continue;
            fill(rows, begin, cols.begin, same);
            begin = clear ? cols.begin : cols.end;
            same = clear ? winner : above[cols.after];
            if (!clear) cell(down, right, scratch);
        }
        fill(rows, begin, cells_.cols.pixels, same);
    }

    void fill(const PixelRun& rows, std::size_t begin, std::size_t end, std::int32_t winner) const {
        for (std::size_t row = rows.begin; begin < end && row < rows.end; ++row)
            std::fill_n(&winners_[row * cells_.cols.pixels + begin], end - begin, narrow<Label>(winner));
    }

    // A cell between points with different winners.
    void cell(std::size_t down, std::size_t right, Scratch& scratch) const {
        const PixelRun rows = cells_.rows.run(down), cols = cells_.cols.run(right);
        if (rows.begin == rows.end || cols.begin == cols.end) return;
        const std::size_t count = contestants(rows, cols, scratch), stride = cells_.rows.stride;
        const std::vector<Weights>& weights = weights_[(down > 0 ? 2 : 0) + (right > 0 ? 1 : 0)];
        const Corners* first = scratch.contestants.data();
        const std::size_t used = ((rows.end - rows.begin) * stride + kLanes - 1) / kLanes;
        for (std::size_t i = 0; i < used; ++i)
            contest(first, first + count, weights[i], &scratch.pixels[i * kLanes]);
        for (std::size_t row = rows.begin; row < rows.end; ++row)
            for (std::size_t col = cols.begin; col < cols.end; ++col)
                winners_[row * cells_.cols.pixels + col] =
                    narrow<Label>(scratch.pixels[(row - rows.begin) * stride + col - cols.begin]);
    }

    // How many channels can win in a cell, and what they are at its corners.
    std::size_t contestants(const PixelRun& rows, const PixelRun& cols, Scratch& scratch) const {
        const std::size_t width = cells_.cols.points, plane = cells_.num_points();
        const float* top = values_.data() + rows.before * width;
        const float* bottom = values_.data() + rows.after * width;
        float sure =
            -std::numeric_limits<float>::infinity(); // some channel is at least this in the whole cell
        for (std::size_t k = 0; k < channels_; ++k, top += plane, bottom += plane) {
            const float tl = top[cols.before], tr = top[cols.after], bl = bottom[cols.before],
                        br = bottom[cols.after];
            scratch.highest[k] = std::max(std::max(tl, tr), std::max(bl, br));
            sure = std::max(sure, std::min(std::min(tl, tr), std::min(bl, br)));
        }
        top = values_.data() + rows.before * width, bottom = values_.data() + rows.after * width;
        std::size_t count = 0;
        for (std::size_t k = 0; k < channels_; ++k) {
            if (scratch.highest[k] < sure) continue;
            const float *above = top + k * plane, *below = bottom + k * plane;
            scratch.contestants[count++] = {above[cols.before], above[cols.after], below[cols.before],
                                            below[cols.after], narrow<std::int32_t>(k)};
        }
        return count;
    }

    std::span<const float> values_;
    std::size_t channels_;
    GridCells cells_;
    std::span<Label> winners_;
    std::array<std::vector<Weights>, 4>
        weights_; // before the first row of points or after it, and so for columns
};

} // namespace

template <class Label> bool find_winners(std::span<const float> values, std::size_t channels,
                                         const GridCells& cells, std::span<Label> winners,
                                         std::size_t threads) {
    const Winners<Label> search(values, channels, cells, winners);
    const std::size_t num_rows = cells.cols.points == 0 ? 0 : cells.rows.num_runs();
    std::atomic<bool> finite{true};
    parallel_for((num_rows + kBand - 1) / kBand, threads, [&](std::size_t band) {
        if (!search.band(band * kBand, std::min((band + 1) * kBand, num_rows))) finite = false;
    });
    return finite;
}

template bool find_winners(std::span<const float>, std::size_t, const GridCells&, std::span<std::uint8_t>,
                           std::size_t);
template bool find_winners(std::span<const float>, std::size_t, const GridCells&, std::span<std::uint16_t>,
                           std::size_t);
template bool find_winners(std::span<const float>, std::size_t, const GridCells&, std::span<std::int32_t>,
                           std::size_t);

} // namespace intarsia
