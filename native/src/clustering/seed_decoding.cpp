#include "clustering/seed_decoding.hpp"

#include "clustering/point_blocks.hpp"
#include "narrow.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace intarsia {
namespace {

constexpr float kHalf = 0.69314718f; // lambda * distance^2 at which a membership is one half
constexpr std::size_t kChunk = 256;

float margin(float lambda) { return std::sqrt(kHalf / lambda); }

std::vector<std::uint32_t> highest_first(std::span<const float> seeds, float threshold) {
    std::vector<std::uint32_t> order;
    for (std::size_t i = 0; i < seeds.size(); ++i)
        if (seeds[i] >= threshold) order.push_back(narrow<std::uint32_t>(i));
    std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) { return seeds[a] > seeds[b]; });
    return order;
}

// Two members of a group can be two margins apart, so that is how far a block of points should reach.
float typical_reach(std::span<const std::uint32_t> order, std::span<const float> lambdas) {
    if (order.empty()) return 1.0f;
    std::vector<float> some;
    for (std::size_t i = 0; i < order.size(); i += 1 + order.size() / 1000) some.push_back(lambdas[order[i]]);
    const auto middle = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
    std::ranges::nth_element(some, middle);
    return 2.0f * margin(*middle);
}

class Search {
  public:
    Search(std::span<const float> columns, std::size_t dims, std::span<const float> seeds,
           std::span<const float> lambdas, const SeedRules& rules, std::span<const std::uint32_t> order)
        : columns_(columns), seeds_(seeds), lambdas_(lambdas), rules_(rules),
          points_(columns, dims, typical_reach(order, lambdas)) {
        groups_.labels.resize(seeds.size());
    }

    // Whether to go on with the next seed.
    bool try_seed(std::uint32_t seed) {
        if (points_.num_active() < rules_.min_size) return false;
        if (!points_.active(seed)) return true;
        std::vector<float> center = points_.point(seed);
        auto around = points_.in_ball(center, margin(lambdas_[seed]), false);
        for (std::size_t i = 0; i < rules_.refinements && !around.empty(); ++i) {
            center = weighted_mean(around, center, lambdas_[seed]);
            around = points_.in_ball(center, margin(lambdas_[seed]), false);
        }
        barren_ = take(around) ? 0 : barren_ + 1;
        if (barren_ == 0) record(seed, center);
        for (const std::uint32_t i : around) points_.remove(i);
        points_.remove(seed);
        return barren_ < rules_.patience;
    }

    SeedGroups groups() && { return std::move(groups_); }

  private:
    bool take(std::span<const std::uint32_t> around) {
        const auto is_free = [&](std::uint32_t i) { return points_.active(i); };
        const std::size_t free = std::ranges::count_if(around, is_free);
        if (around.size() < rules_.min_size || 2 * free <= around.size()) return false;
        ++num_groups_;
        for (const std::uint32_t i : around)
            if (is_free(i)) groups_.labels[i] = num_groups_;
        return true;
    }

    void record(std::uint32_t seed, std::span<const float> center) {
        groups_.centers.insert(groups_.centers.end(), center.begin(), center.end());
        groups_.lambdas.push_back(lambdas_[seed]);
        groups_.scores.push_back(seeds_[seed]);
    }

    std::vector<float> weighted_mean(std::span<const std::uint32_t> members, std::span<const float> center,
                                     float lambda) const {
        std::vector<double> sums(center.size());
        double total = 0.0;
        for (const std::uint32_t i : members) {
            double squared = 0.0;
            for (std::size_t k = 0; k < center.size(); ++k) {
                const double step = static_cast<double>(value(k, i)) - static_cast<double>(center[k]);
                squared += step * step;
            }
            const double weight = std::exp(-static_cast<double>(lambda) * squared);
            total += weight;
            for (std::size_t k = 0; k < center.size(); ++k)
                sums[k] += weight * static_cast<double>(value(k, i));
        }
        std::vector<float> mean;
        for (const double sum : sums) mean.push_back(static_cast<float>(sum / total));
        return mean;
    }

    float value(std::size_t dim, std::uint32_t point) const { return columns_[dim * seeds_.size() + point]; }

    std::span<const float> columns_, seeds_, lambdas_;
    const SeedRules& rules_;
    PointBlocks points_;
    SeedGroups groups_;
    std::int32_t num_groups_ = 0;
    std::size_t barren_ = 0;
};

} // namespace

SeedGroups decode_seeds(std::span<const float> columns, std::size_t dims, std::span<const float> seeds,
                        std::span<const float> lambdas, const SeedRules& rules) {
    const auto order = highest_first(seeds, rules.threshold);
    Search search(columns, dims, seeds, lambdas, rules, order);
    for (const std::uint32_t seed : order)
        if (!search.try_seed(seed)) break;
    return std::move(search).groups();
}

std::vector<std::int32_t> likeliest_center(std::span<const float> columns,
                                           std::span<const std::int32_t> categories, std::size_t dims,
                                           const MembershipCenters& among, float least) {
    const std::size_t num_points = categories.size();
    std::vector<std::int32_t> labels(num_points);
    std::array<float, kChunk> exponent, best;
    for (std::size_t begin = 0; begin < num_points; begin += kChunk) {
        const std::size_t size = std::min(kChunk, num_points - begin);
        best.fill(-std::log(least)); // the exponent below which a membership is above the least
        for (std::size_t center = 0; center < among.lambdas.size(); ++center) {
            exponent.fill(0.0f);
            for (std::size_t k = 0; k < dims; ++k) {
                const float* values = columns.data() + k * num_points + begin;
                const float middle = among.centers[center * dims + k];
                for (std::size_t j = 0; j < size; ++j)
                    exponent[j] += (values[j] - middle) * (values[j] - middle);
            }
            const auto number = narrow<std::int32_t>(center + 1);
            for (std::size_t j = 0; j < size; ++j) {
                const float here = exponent[j] * among.lambdas[center];
                if (!(here < best[j]) || categories[begin + j] != among.categories[center]) continue;
                best[j] = here;
                labels[begin + j] = number;
            }
        }
    }
    return labels;
}

} // namespace intarsia
