#include "check.hpp"
#include "losses/segment_spread.hpp"

#include <array>
#include <cmath>
#include <vector>

using namespace intarsia;

TEST(segment_spread_of_a_line_worked_by_hand) {
    // Pixels 0 and 4 around their mean 2 stray by (2 - 1)^2; the last one belongs to no segment.
    const std::array<float, 3> line{0.0f, 4.0f, 9.0f};
    const std::array<std::int64_t, 3> segments{1, 1, -1};
    std::array<float, 2> means{}, spread{}, pull{}, area{};
    const SegmentTable table{means, spread, pull, area};
    measure_segments({line, segments, 1}, {1.0f, 2}, table);
    CHECK(means[1] == 2.0f && area[1] == 2.0f && area[0] == 0.0f);
    CHECK(std::abs(spread[1] - 1.0f) < 1e-6f && std::abs(pull[1]) < 1e-6f);

    const std::array<float, 2> means_gradient{}, spread_gradient{0.0f, 3.0f};
    std::array<float, 3> gradient{};
    differentiate_segments({line, segments, 1}, {1.0f, 2}, table, {means_gradient, spread_gradient},
                           gradient);
    CHECK(std::abs(gradient[0] + 3.0f) < 1e-5f && std::abs(gradient[1] - 3.0f) < 1e-5f &&
          gradient[2] == 0.0f);
}

TEST(segment_spread_of_runs_longer_than_a_strip) {
    const std::vector<float> values(2000, 1.0f);
    const std::vector<std::int64_t> segments(1000, 0);
    std::array<float, 2> means{}, pull{};
    std::array<float, 1> spread{}, area{};
    measure_segments({values, segments, 2}, {0.0f, 1}, {means, spread, pull, area});
    CHECK(means[0] == 1.0f && means[1] == 1.0f && spread[0] == 0.0f && area[0] == 1000.0f);
}

TEST(segment_spread_without_segments_writes_nothing) {
    const std::array<float, 2> values{1.0f, 2.0f};
    const std::array<std::int64_t, 2> segments{-1, -1};
    std::array<float, 1> means{7.0f}, spread{7.0f}, pull{7.0f}, area{7.0f};
    measure_segments({values, segments, 1}, {0.5f, 2}, {means, spread, pull, area});
    CHECK(means[0] == 7.0f && spread[0] == 7.0f && pull[0] == 7.0f && area[0] == 7.0f);
}
