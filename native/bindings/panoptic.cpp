#include "bindings.hpp"

#include "id_map.hpp"

#include <stdexcept>

namespace {

NewArray<std::int64_t> count_ids(Array<std::int32_t, 2> ids) {
    std::vector<std::int64_t> rows;
    {
        nb::gil_scoped_release unlocked;
        for (const auto& [id, count] : intarsia::count_ids(view(ids))) rows.insert(rows.end(), {id, count});
    }
    const std::size_t num_ids = rows.size() / 2;
    return to_numpy(std::move(rows), {num_ids, 2});
}

NewArray<std::int32_t> relabel(Array<std::int32_t, 2> ids, Array<std::int32_t, 1> keys,
                               Array<std::int32_t, 1> values, std::int32_t other) {
    if (keys.size() != values.size()) throw std::invalid_argument("keys and values differ in length");
    std::vector<std::int32_t> result;
    {
        nb::gil_scoped_release unlocked;
        result = intarsia::relabel(view(ids), view(keys), view(values), other);
    }
    return to_numpy(std::move(result), {ids.shape(0), ids.shape(1)});
}

} // namespace

void bind_panoptic(nb::module_& m) {
    m.def("count_ids", &count_ids, nb::arg("ids"));
    m.def("relabel", &relabel, nb::arg("ids"), nb::arg("keys"), nb::arg("values"), nb::arg("other"));
}
