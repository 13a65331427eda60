#include "bindings.hpp"

#include "clustering/mean_shift.hpp"
#include "clustering/nearest_center.hpp"
#include "clustering/seed_decoding.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>

#include <stdexcept>
#include <tuple>
#include <utility>

namespace {

using Labels = NewArray<std::int32_t>;

void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

std::pair<Labels, NewArray<float>> mean_shift(Array<float, 2> columns, Array<std::int64_t, 1> order,
                                              float bandwidth, std::size_t min_size,
                                              std::size_t max_iterations, std::size_t max_failures,
                                              std::size_t patience) {
    const std::size_t dims = columns.shape(0), num_points = columns.shape(1);
    for (const std::int64_t seed : view(order))
        require(seed >= 0 && std::cmp_less(seed, num_points), "order names a point that is not there");
    intarsia::PointGroups groups;
    {
        nb::gil_scoped_release unlocked;
        groups = intarsia::mean_shift(view(columns), dims, view(order),
                                      {bandwidth, min_size, max_iterations, max_failures, patience});
    }
    const std::size_t num_groups = dims == 0 ? 0 : groups.centers.size() / dims;
    return {to_numpy(std::move(groups.labels), {num_points}),
            to_numpy(std::move(groups.centers), {num_groups, dims})};
}

Labels nearest_center(Array<float, 2> columns, Array<float, 2> centers, float radius) {
    require(columns.shape(0) == centers.shape(1), "columns and centers differ in dimensions");
    std::vector<std::int32_t> labels;
    {
        nb::gil_scoped_release unlocked;
        labels = intarsia::nearest_center(view(columns), view(centers), columns.shape(0), radius);
    }
    return to_numpy(std::move(labels), {columns.shape(1)});
}

std::pair<NewArray<std::int64_t>, NewArray<float>> peaks(Array<float, 2> heat, float threshold,
                                                         std::size_t window) {
    std::vector<std::int64_t> pixels;
    std::vector<float> values;
    {
        nb::gil_scoped_release unlocked;
        for (const auto& [pixel, value] :
             intarsia::peaks(view(heat), {heat.shape(0), heat.shape(1)}, threshold, window)) {
            pixels.push_back(pixel);
            values.push_back(value);
        }
    }
    const std::size_t count = pixels.size();
    return {to_numpy(std::move(pixels), {count}), to_numpy(std::move(values), {count})};
}

Labels group_by_offset(Array<float, 3> offsets, Array<bool, 2> inside, Array<float, 2> centers) {
    const std::size_t rows = inside.shape(0), cols = inside.shape(1);
    require(offsets.shape(0) == 2 && offsets.shape(1) == rows && offsets.shape(2) == cols,
            "offsets must be two maps of the size of inside");
    require(centers.shape(1) == 2, "centers must be (row, column) pairs");
    std::vector<std::int32_t> labels;
    {
        nb::gil_scoped_release unlocked;
        labels = intarsia::group_by_offset(view(offsets), view(inside), {rows, cols}, view(centers));
    }
    return to_numpy(std::move(labels), {rows, cols});
}

std::tuple<Labels, NewArray<float>, NewArray<float>, NewArray<float>>
decode_seeds(Array<float, 2> columns, Array<float, 1> seeds, Array<float, 1> lambdas, float threshold,
             std::size_t min_size, std::size_t refinements, std::size_t patience) {
    const std::size_t dims = columns.shape(0), num_points = columns.shape(1);
    require(seeds.size() == num_points && lambdas.size() == num_points,
            "columns, seeds and lambdas differ in points");
    intarsia::SeedGroups groups;
    {
        nb::gil_scoped_release unlocked;
        groups = intarsia::decode_seeds(view(columns), dims, view(seeds), view(lambdas),
                                        {threshold, min_size, refinements, patience});
    }
    const std::size_t count = groups.scores.size();
    return {to_numpy(std::move(groups.labels), {num_points}),
            to_numpy(std::move(groups.centers), {count, dims}), to_numpy(std::move(groups.lambdas), {count}),
            to_numpy(std::move(groups.scores), {count})};
}

Labels likeliest_center(Array<float, 2> columns, Array<std::int32_t, 1> categories, Array<float, 2> centers,
                        Array<float, 1> lambdas, Array<std::int32_t, 1> center_categories, float least) {
    const std::size_t count = centers.shape(0);
    require(columns.shape(0) == centers.shape(1), "columns and centers differ in dimensions");
    require(categories.size() == columns.shape(1), "columns and categories differ in points");
    require(lambdas.size() == count && center_categories.size() == count,
            "centers, lambdas and categories differ in length");
    std::vector<std::int32_t> labels;
    {
        nb::gil_scoped_release unlocked;
        labels = intarsia::likeliest_center(view(columns), view(categories), columns.shape(0),
                                            {view(centers), view(lambdas), view(center_categories)}, least);
    }
    return to_numpy(std::move(labels), {columns.shape(1)});
}

} // namespace

void bind_clustering(nb::module_& m) {
    m.def("mean_shift", &mean_shift, nb::arg("columns"), nb::arg("order"), nb::arg("bandwidth"),
          nb::arg("min_size"), nb::arg("max_iterations"), nb::arg("max_failures"), nb::arg("patience"));
    m.def("nearest_center", &nearest_center, nb::arg("columns"), nb::arg("centers"), nb::arg("radius"));
    m.def("peaks", &peaks, nb::arg("heat"), nb::arg("threshold"), nb::arg("window"));
    m.def("group_by_offset", &group_by_offset, nb::arg("offsets"), nb::arg("inside"), nb::arg("centers"));
    m.def("decode_seeds", &decode_seeds, nb::arg("columns"), nb::arg("seeds"), nb::arg("lambdas"),
          nb::arg("threshold"), nb::arg("min_size"), nb::arg("refinements"), nb::arg("patience"));
    m.def("likeliest_center", &likeliest_center, nb::arg("columns"), nb::arg("categories"),
          nb::arg("centers"), nb::arg("lambdas"), nb::arg("center_categories"), nb::arg("least"));
}
