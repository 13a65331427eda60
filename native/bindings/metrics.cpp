#include "bindings.hpp"

#include "metrics/id_pairs.hpp"
#include "metrics/png_overlap.hpp"
#include "png/id_rows.hpp"

#include <stdexcept>

namespace {

NewArray<std::int64_t> to_rows(const std::vector<intarsia::IdPair>& pairs) {
    std::vector<std::int64_t> rows;
    rows.reserve(3 * pairs.size());
    for (const auto& [a, b, count] : pairs) rows.insert(rows.end(), {a, b, count});
    return to_numpy(std::move(rows), {pairs.size(), 3});
}

NewArray<std::int64_t> count_id_pairs(Array<std::int32_t, 1> first, Array<std::int32_t, 1> second) {
    if (first.size() != second.size()) throw std::invalid_argument("maps differ in size");
    std::vector<intarsia::IdPair> pairs;
    {
        nb::gil_scoped_release unlocked;
        pairs = intarsia::count_id_pairs(view(first), view(second));
    }
    return to_rows(pairs);
}

NewArray<std::int64_t> count_png_pairs(Array<std::uint8_t, 1> first, std::size_t first_channels,
                                       Array<std::uint8_t, 1> second, std::size_t second_channels,
                                       std::size_t height, std::size_t width) {
    if (first.size() != intarsia::filtered_size(height, width, first_channels) ||
        second.size() != intarsia::filtered_size(height, width, second_channels))
        throw std::invalid_argument("rows of another size");
    std::optional<std::vector<intarsia::IdPair>> pairs;
    {
        nb::gil_scoped_release unlocked;
        pairs = intarsia::count_png_pairs({view(first), first_channels}, {view(second), second_channels},
                                          height, width);
    }
    if (!pairs) throw std::invalid_argument("a filter that does not exist");
    return to_rows(*pairs);
}

} // namespace

void bind_metrics(nb::module_& m) {
    m.def("count_id_pairs", &count_id_pairs, nb::arg("first"), nb::arg("second"));
    m.def("count_png_pairs", &count_png_pairs, nb::arg("first"), nb::arg("first_channels"), nb::arg("second"),
          nb::arg("second_channels"), nb::arg("height"), nb::arg("width"));
}
