#include "decoding/segment_fit.hpp"

#include <array>

namespace intarsia {
namespace {

using Four = std::array<float, 4>;

struct Candidates { // the segments at the four points around a cell
    std::array<std::int32_t, 4> segments;
    std::array<Four, 4> logits; // of each one's category, at each of the points
};

std::int32_t best_fitting(const Candidates& candidates, const std::array<double, 4>& exact) {
    const auto& [segments, logits] = candidates;
    Four weights;
    for (std::size_t i = 0; i < 4; ++i) weights[i] = static_cast<float>(exact[i]);
    std::size_t best = 0;
    float best_fit = 0.0f, best_mass = 0.0f;
    for (std::size_t i = 0; i < 4; ++i) {
        float fit = weights[0] * logits[i][0], mass = 0.0f;
        for (std::size_t j = 1; j < 4; ++j) fit += weights[j] * logits[i][j];
        for (std::size_t j = 0; j < 4; ++j) mass += segments[j] == segments[i] ? weights[j] : 0.0f;
        if (i == 0 || fit > best_fit || (fit == best_fit && mass > best_mass))
            best = i, best_fit = fit, best_mass = mass;
    }
    return segments[best];
}

} // namespace

std::vector<std::int32_t> fit_segments(std::span<const std::int32_t> segments,
                                       std::span<const std::int64_t> categories,
                                       std::span<const float> logits, const GridCells& cells) {
    std::vector<std::int32_t> result(cells.rows.pixels * cells.cols.pixels);
    const BilinearWeights weights(cells);
    for_each_cell(
        cells, [&](const PixelRun& rows, const PixelRun& cols, const std::array<std::size_t, 4>& points) {
            Candidates candidates;
            bool agree = true;
            for (std::size_t i = 0; i < 4; ++i) {
                candidates.segments[i] = segments[points[i]];
                agree &= candidates.segments[i] == candidates.segments[0];
            }
            for (std::size_t i = 0; i < 4 && !agree; ++i) {
                const std::size_t category = categories[candidates.segments[i]];
                for (std::size_t j = 0; j < 4; ++j)
                    candidates.logits[i][j] = logits[category * cells.num_points() + points[j]];
            }
            for (std::size_t row = rows.begin; row < rows.end; ++row)
                for (std::size_t col = cols.begin; col < cols.end; ++col)
                    result[row * cells.cols.pixels + col] =
                        agree ? candidates.segments[0] : best_fitting(candidates, weights.at(row, col));
        });
    return result;
}

} // namespace intarsia
