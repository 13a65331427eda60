#include "bindings.hpp"

#include "id_pairs.hpp"

#include <stdexcept>

namespace {

NewArray<std::int64_t> count_id_pairs(Array<std::int32_t, 1> first, Array<std::int32_t, 1> second) {
    if (first.size() != second.size()) throw std::invalid_argument("maps differ in size");
    std::vector<std::int64_t> rows;
    {
        nb::gil_scoped_release unlocked;
        for (const auto& [a, b, count] : intarsia::count_id_pairs(view(first), view(second)))
            rows.insert(rows.end(), {a, b, count});
    }
    const std::size_t num_pairs = rows.size() / 3;
    return to_numpy(std::move(rows), {num_pairs, 3});
}

} // namespace

void bind_metrics(nb::module_& m) { m.def("count_id_pairs", &count_id_pairs, nb::arg("first"), nb::arg("second")); }
