#include "check.hpp"
#include "decoding/label_votes.hpp"
#include "decoding/segment_fit.hpp"
#include "decoding/winners.hpp"

#include <array>
#include <limits>
#include <memory>
#include <vector>

using namespace intarsia;

namespace {

constexpr GridCells two_points{{1, 1, 4}, {2, 8, 4}}; // in one row, over eight pixels

} // namespace

TEST(pixels_lie_between_the_points_around_them) {
    const GridAxis axis{2, 7, 4};
    const PixelRun first = axis.run(0), middle = axis.run(1), last = axis.run(2);
    CHECK(axis.num_runs() == 3);
    CHECK(first.begin == 0 && first.end == 2 && first.before == 0 && first.after == 0);
    CHECK(middle.begin == 2 && middle.end == 6 && middle.before == 0 && middle.after == 1);
    CHECK(last.begin == 6 && last.end == 7 && last.before == 1 && last.after == 1);
    CHECK(axis.share(1, 0) == 0.125 && axis.share(1, 3) == 0.875);
}

TEST(the_larger_of_two_channels_wins_up_to_where_they_are_equal) {
    const std::array<float, 4> values{1.0f, 0.0f, 0.0f, 3.0f}; // equal a quarter of the way
    std::vector<std::uint8_t> winners(8);
    CHECK(find_winners<std::uint8_t>(values, 2, two_points, winners, 1));
    CHECK((winners == std::vector<std::uint8_t>{0, 0, 0, 1, 1, 1, 1, 1}));
}

TEST(cut_off_cells_are_written_up_to_the_end_of_the_image) {
    for (std::size_t height = 1; height <= 12; ++height) {
        for (std::size_t width = 1; width <= 12; ++width) { // each point another winner: no cell is clear
            const GridCells cells{{3, height, 4}, {3, width, 4}};
            std::vector<float> values(81);
            for (std::size_t point = 0; point < 9; ++point) values[point * 9 + point] = 1.0f;
            std::vector<std::int32_t> winners(height * width, -1);
            CHECK(find_winners<std::int32_t>(values, 9, cells, winners, 2));
            for (std::size_t pixel = 0; pixel < winners.size(); ++pixel)
                CHECK(winners[pixel] == static_cast<std::int32_t>(pixel / width / 4 * 3 + pixel % width / 4));
        }
    }
}

TEST(nothing_has_no_winner_and_infinity_is_told) {
    std::vector<std::uint16_t> winners;
    CHECK(find_winners<std::uint16_t>({}, 2, {{0, 0, 4}, {0, 0, 4}}, winners, 1));
    winners.resize(8);
    const std::array<float, 2> values{1.0f, std::numeric_limits<float>::infinity()};
    CHECK(!find_winners<std::uint16_t>(values, 1, two_points, winners, 1));
}

TEST(labels_part_in_the_middle_and_keep_to_their_group) {
    const std::array<std::int32_t, 2> labels{1, 2};
    const std::array<std::uint8_t, 3> group_of_label{0, 5, 6};
    const std::array<std::uint8_t, 8> groups{5, 5, 6, 6, 6, 6, 9, 9};
    const auto is_free = std::make_unique<bool[]>(256);
    is_free[9] = true;
    const auto result = vote_for_labels(labels, group_of_label, groups,
                                        std::span<const bool>(is_free.get(), 256), two_points);
    CHECK((result == std::vector<std::int32_t>{1, 1, 2, 2, 2, 2, 0, 0}));
}

TEST(the_surer_segment_reaches_beyond_the_middle) {
    const std::array<std::int32_t, 2> segments{0, 1};
    const std::array<std::int64_t, 2> categories{0, 1};
    const std::array<float, 4> logits{1.0f, 0.0f, 0.0f, 3.0f};
    CHECK((fit_segments(segments, categories, logits, two_points) ==
           std::vector<std::int32_t>{0, 0, 0, 1, 1, 1, 1, 1}));
}
