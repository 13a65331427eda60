#include "clustering/mean_shift.hpp"

#include "clustering/point_blocks.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace intarsia {
namespace {

constexpr double kStill = 1e-4; // the step at which a seed has converged; the authors' value

// The mean that the seed climbs to, or nothing if it does not come to rest.
std::optional<std::vector<float>> climb(const PointBlocks& points, std::vector<float> mean,
                                        const MeanShiftRules& rules) {
    for (std::size_t i = 0; i < rules.max_iterations; ++i) {
        const PointBlocks::Sum sum = points.sum_of_active_in_ball(mean, rules.bandwidth);
        if (sum.count == 0) return std::nullopt; // the points lie around their mean, none of them near it
        double squared = 0.0;
        for (std::size_t k = 0; k < mean.size(); ++k) {
            const double next = sum.values[k] / static_cast<double>(sum.count);
            const double step = next - static_cast<double>(mean[k]);
            squared += step * step;
            mean[k] = static_cast<float>(next);
        }
        if (squared <= kStill * kStill) return mean;
    }
    return std::nullopt;
}

std::vector<std::int64_t> densest_first(const PointBlocks& points) {
    std::vector<std::int64_t> order(points.num_active());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
        return points.block_population(a) > points.block_population(b);
    });
    return order;
}

class Search {
  public:
    Search(PointBlocks& points, const MeanShiftRules& rules) : points_(points), rules_(rules) {
        groups_.labels.resize(points.num_active());
    }

    // Whether to go on with the next seed.
    bool try_seed(std::size_t seed) {
        const auto mean = climb(points_, points_.point(seed), rules_);
        failures_ = mean ? 0 : failures_ + 1;
        const bool is_group = mean && take(*mean);
        barren_ = is_group ? 0 : barren_ + 1;
        points_.remove(seed);
        return failures_ < rules_.max_failures && barren_ < rules_.patience;
    }

    PointGroups groups() && { return std::move(groups_); }

  private:
    // Uses up the unused points around a mean; true if they are a new group.
    bool take(const std::vector<float>& mean) {
        const auto unused = points_.in_ball(mean, rules_.bandwidth, true);
        const bool is_group = unused.size() >= rules_.min_size && mostly_unlabelled(mean);
        if (is_group) {
            groups_.centers.insert(groups_.centers.end(), mean.begin(), mean.end());
            ++num_groups_;
            for (const std::uint32_t i : unused) groups_.labels[i] = num_groups_;
        }
        for (const std::uint32_t i : unused) points_.remove(i);
        return is_group;
    }

    bool mostly_unlabelled(const std::vector<float>& mean) const {
        const auto around = points_.in_ball(mean, rules_.bandwidth, false);
        const std::size_t labelled =
            std::ranges::count_if(around, [&](std::uint32_t i) { return groups_.labels[i] != 0; });
        return 2 * labelled < around.size();
    }

    PointBlocks& points_;
    const MeanShiftRules& rules_;
    PointGroups groups_;
    std::int32_t num_groups_ = 0;
    std::size_t failures_ = 0;
    std::size_t barren_ = 0;
};

} // namespace

PointGroups mean_shift(std::span<const float> columns, std::size_t dims, std::span<const std::int64_t> order,
                       const MeanShiftRules& rules) {
    PointBlocks points(columns, dims, 2.0f * rules.bandwidth); // two members of a group can be that far apart
    Search search(points, rules);
    const auto densest = order.empty() ? densest_first(points) : std::vector<std::int64_t>{};
    for (const std::int64_t seed : order.empty() ? std::span<const std::int64_t>(densest) : order) {
        if (points.num_active() < rules.min_size) break;
        if (points.active(seed) && !search.try_seed(seed)) break;
    }
    return std::move(search).groups();
}

} // namespace intarsia
