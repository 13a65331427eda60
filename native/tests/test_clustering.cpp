#include "check.hpp"
#include "clustering/mean_shift.hpp"
#include "clustering/nearest_center.hpp"
#include "clustering/point_blocks.hpp"
#include "clustering/seed_decoding.hpp"

#include <array>
#include <limits>
#include <memory>
#include <vector>

using namespace intarsia;

TEST(mean_shift_on_a_line_finds_two_groups) {
    const std::array<float, 5> line{0.0f, 1.0f, 2.0f, 9.0f, 10.0f};
    const std::array<std::int64_t, 5> order{4, 1, 0, 2, 3};
    const auto groups = mean_shift(line, 1, order, {1.5f, 2, 100, 20, 20});
    CHECK((groups.labels == std::vector<std::int32_t>{2, 2, 2, 1, 1}));
    CHECK((groups.centers == std::vector<float>{9.5f, 1.0f}));
}

TEST(mean_shift_of_nothing_is_nothing) {
    CHECK(mean_shift({}, 3, {}, {1.0f, 1, 100, 20, 20}).labels.empty());
    CHECK(mean_shift({}, 0, {}, {1.0f, 1, 100, 20, 20}).centers.empty());
}

TEST(points_that_are_removed_are_still_in_the_ball_of_all) {
    std::vector<float> line(1000);
    for (std::size_t i = 0; i < line.size(); ++i) line[i] = static_cast<float>(i % 500);
    PointBlocks points(line, 1, 1.5f);
    points.remove(7);
    points.remove(7);
    const std::array<float, 1> seven{7.0f};
    CHECK(points.num_active() == 999);
    CHECK(!points.active(7) && points.active(507));
    CHECK(points.in_ball(seven, 0.5f, true) == std::vector<std::uint32_t>{507});
    CHECK(points.in_ball(seven, 0.5f, false).size() == 2);
    CHECK(points.sum_of_active_in_ball(seven, 1.5f).count == 5);
    CHECK(points.point(507) == std::vector<float>{7.0f});
}

TEST(the_first_of_equally_near_centers_wins) {
    const std::array<float, 3> line{0.0f, 1.0f, 9.0f};
    const std::array<float, 2> centers{2.0f, 0.0f};
    CHECK((nearest_center(line, centers, 1, 5.0f) == std::vector<std::int32_t>{2, 1, 0}));
}

TEST(of_a_plateau_one_pixel_is_the_peak) {
    const std::array<float, 6> heat{0.5f, 0.5f, 0.1f, 0.1f, 0.1f, 0.9f};
    const auto maxima = peaks(heat, {1, 6}, 0.2f, 3);
    CHECK(maxima.size() == 2);
    CHECK(maxima[0].pixel == 5 && maxima[1].pixel == 0);
}

TEST(pixels_that_point_outside_of_the_image_find_the_nearest_center) {
    const std::array<float, 6> offsets{0.0f, -50.0f, 1e30f, 0.0f, 70.0f, -1e30f};
    const auto inside = std::make_unique<bool[]>(3);
    inside[0] = inside[1] = inside[2] = true;
    const std::array<float, 4> centers{0.0f, 0.0f, 0.0f, 2.0f};
    CHECK((group_by_offset(offsets, {inside.get(), 3}, {1, 3}, centers)[1] == 2));
}

TEST(the_highest_seed_takes_its_margin_and_a_used_one_is_no_seed) {
    const std::array<float, 5> line{0.0f, 0.5f, 1.0f, 5.0f, 5.5f};
    const std::array<float, 5> seeds{0.2f, 0.9f, 0.8f, 0.7f, 0.1f};
    const std::array<float, 5> lambdas{1.0f, 1.0f, 1.0f, 1.0f, 1.0f}; // a margin of 0.83
    const auto groups = decode_seeds(line, 1, seeds, lambdas, {0.5f, 2, 0, 10});
    CHECK((groups.labels == std::vector<std::int32_t>{1, 1, 1, 2, 2}));
    CHECK((groups.centers == std::vector<float>{0.5f, 5.0f}));
    CHECK((groups.scores == std::vector<float>{0.9f, 0.7f}));
    CHECK(decode_seeds({}, 3, {}, {}, {0.5f, 1, 0, 10}).labels.empty());
}

TEST(a_center_of_another_category_is_not_the_likeliest) {
    const std::array<float, 2> line{0.0f, 1.0f}, centers{0.0f, 1.5f}, lambdas{1.0f, 1.0f};
    const std::array<std::int32_t, 2> categories{7, 7}, theirs{8, 7};
    CHECK((likeliest_center(line, categories, 1, {centers, lambdas, theirs}, 0.1f) ==
           std::vector<std::int32_t>{2, 2}));
    CHECK((likeliest_center(line, categories, 1, {centers, lambdas, theirs}, 0.5f) ==
           std::vector<std::int32_t>{0, 2}));
}
