#include "decoding/label_votes.hpp"

#include <array>

namespace intarsia {
namespace {

using Votes = std::array<std::int32_t, 4>;

// Which of four points wins for a pixel of this group.
std::size_t elected(const Votes& votes, const std::array<double, 4>& weights,
                    std::span<const std::uint8_t> group_of_label, std::uint8_t group) {
    std::size_t nearest = 0, best = 4;
    double most = 0.0;
    for (std::size_t i = 0; i < 4; ++i) {
        if (weights[i] > weights[nearest]) nearest = i;
        if (votes[i] <= 0 || group_of_label[votes[i]] != group) continue;
        double weight = 0.0;
        for (std::size_t j = 0; j < 4; ++j) weight += votes[j] == votes[i] ? weights[j] : 0.0;
        if (weight > most) most = weight, best = i;
    }
    return best < 4 ? best : nearest;
}

} // namespace

std::vector<std::int32_t> vote_for_labels(std::span<const std::int32_t> labels,
                                          std::span<const std::uint8_t> group_of_label,
                                          std::span<const std::uint8_t> groups, std::span<const bool> is_free,
                                          const GridCells& cells) {
    std::vector<std::int32_t> result(groups.size());
    const BilinearWeights weights(cells);
    for_each_cell(
        cells, [&](const PixelRun& rows, const PixelRun& cols, const std::array<std::size_t, 4>& points) {
            const Votes votes{labels[points[0]], labels[points[1]], labels[points[2]], labels[points[3]]};
            const bool agree = votes[0] == votes[1] && votes[0] == votes[2] && votes[0] == votes[3];
            for (std::size_t row = rows.begin; row < rows.end; ++row) {
                for (std::size_t col = cols.begin; col < cols.end; ++col) {
                    const std::size_t pixel = row * cells.cols.pixels + col;
                    if (is_free[groups[pixel]]) continue;
                    const std::size_t winner =
                        agree ? 0 : elected(votes, weights.at(row, col), group_of_label, groups[pixel]);
                    result[pixel] = votes[winner];
                }
            }
        });
    return result;
}

} // namespace intarsia
