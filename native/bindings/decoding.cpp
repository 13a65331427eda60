#include "bindings.hpp"

#include "decoding/label_votes.hpp"
#include "decoding/segment_fit.hpp"
#include "decoding/winners.hpp"

#include <cstdint>
#include <stdexcept>
#include <vector>

namespace {

// The grid must cover the image.
intarsia::GridCells cells_of(std::size_t rows, std::size_t cols, std::size_t height, std::size_t width,
                             std::size_t stride) {
    if (stride == 0 || height > rows * stride || width > cols * stride)
        throw std::invalid_argument("the grid does not cover the image");
    return {{rows, height, stride}, {cols, width, stride}};
}

// Numbers that name an entry of a table of this length.
template <class Number>
void require_names(std::span<const Number> numbers, std::size_t length, const char* what) {
    for (const Number number : numbers)
        if (number < 0 || std::cmp_greater_equal(number, length)) throw std::invalid_argument(what);
}

template <class Label> bool find_winners(Array<float, 3> values, OutArray<Label, 2> winners,
                                         std::size_t stride, std::size_t threads) {
    if (values.shape(0) == 0) throw std::invalid_argument("there is no channel");
    const auto cells = cells_of(values.shape(1), values.shape(2), winners.shape(0), winners.shape(1), stride);
    nb::gil_scoped_release unlocked;
    return intarsia::find_winners(view(values), values.shape(0), cells,
                                  std::span<Label>(winners.data(), winners.size()), threads);
}

template <class Label> void bind_find_winners(nb::module_& m) {
    m.def("find_winners", &find_winners<Label>, nb::arg("values"), nb::arg("winners"), nb::arg("stride"),
          nb::arg("threads"));
}

NewArray<std::int32_t> vote_for_labels(Array<std::int32_t, 2> labels, Array<std::uint8_t, 1> group_of_label,
                                       Array<std::uint8_t, 2> groups, Array<bool, 1> is_free,
                                       std::size_t stride) {
    const std::size_t height = groups.shape(0), width = groups.shape(1);
    const auto cells = cells_of(labels.shape(0), labels.shape(1), height, width, stride);
    if (is_free.size() != 256) throw std::invalid_argument("is_free must have 256 entries");
    std::vector<std::int32_t> result;
    {
        nb::gil_scoped_release unlocked;
        require_names(view(labels), group_of_label.size(), "a label has no group");
        result =
            intarsia::vote_for_labels(view(labels), view(group_of_label), view(groups), view(is_free), cells);
    }
    return to_numpy(std::move(result), {height, width});
}

NewArray<std::int32_t> fit_segments(Array<std::int32_t, 2> segments, Array<std::int64_t, 1> categories,
                                    Array<float, 3> logits, std::size_t height, std::size_t width,
                                    std::size_t stride) {
    if (logits.shape(1) != segments.shape(0) || logits.shape(2) != segments.shape(1))
        throw std::invalid_argument("logits and segments differ in size");
    const auto cells = cells_of(segments.shape(0), segments.shape(1), height, width, stride);
    std::vector<std::int32_t> result;
    {
        nb::gil_scoped_release unlocked;
        require_names(view(segments), categories.size(), "a segment has no category");
        require_names(view(categories), logits.shape(0), "a category has no logits");
        result = intarsia::fit_segments(view(segments), view(categories), view(logits), cells);
    }
    return to_numpy(std::move(result), {height, width});
}

} // namespace

void bind_decoding(nb::module_& m) {
    bind_find_winners<std::uint8_t>(m);
    bind_find_winners<std::uint16_t>(m);
    bind_find_winners<std::int32_t>(m);
    m.def("vote_for_labels", &vote_for_labels, nb::arg("labels"), nb::arg("group_of_label"),
          nb::arg("groups"), nb::arg("is_free"), nb::arg("stride"));
    m.def("fit_segments", &fit_segments, nb::arg("segments"), nb::arg("categories"), nb::arg("logits"),
          nb::arg("height"), nb::arg("width"), nb::arg("stride"));
}
