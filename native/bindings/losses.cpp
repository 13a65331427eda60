#include "bindings.hpp"

#include "losses/lovasz_extension.hpp"
#include "losses/segment_spread.hpp"
#include "parallel_for.hpp"

#include <nanobind/stl/optional.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace {

template <class T> std::span<const T> row(const Array<T, 2>& array, std::size_t index) {
    return {array.data() + index * array.shape(1), array.shape(1)};
}

// Writes the loss of each row into `losses` and, when given, its gradient into `gradient`, which holds zeros.
void lovasz_extension(Array<float, 2> scores, Array<bool, 2> labels, std::optional<Array<bool, 2>> valid,
                      float floor, OutArray<double, 1> losses, std::optional<OutArray<float, 2>> gradient,
                      std::size_t threads) {
    const std::size_t masks = scores.shape(0), pixels = scores.shape(1);
    const auto same = [&](const auto& array) { return array.shape(0) == masks && array.shape(1) == pixels; };
    if (!same(labels) || (valid && !same(*valid)) || (gradient && !same(*gradient)) || losses.size() != masks)
        throw std::invalid_argument("scores, labels, valid, losses and gradient differ in shape");
    if (pixels > 0xffffffffu) throw std::invalid_argument("a mask has more than 2^32 - 1 pixels");
    nb::gil_scoped_release unlocked;
    std::vector<intarsia::LovaszWorkspace> workspaces(std::min(std::max<std::size_t>(threads, 1), masks));
    intarsia::parallel_for(workspaces.size(), workspaces.size(), [&](std::size_t worker) {
        for (std::size_t m = worker; m < masks; m += workspaces.size()) {
            const auto allowed = valid ? row(*valid, m) : std::span<const bool>{};
            const auto out =
                gradient ? std::span<float>(gradient->data() + m * pixels, pixels) : std::span<float>{};
            losses.data()[m] = intarsia::lovasz_extension({row(scores, m), row(labels, m), allowed, floor},
                                                          out, workspaces[worker]);
        }
    });
}

// One image of a batch b d p with its segments b p.
intarsia::SegmentedPixels image_of(const Array<float, 3>& pixels, const Array<std::int64_t, 2>& segments,
                                   std::size_t i) {
    const std::size_t dims = pixels.shape(1), count = pixels.shape(2);
    return {{pixels.data() + i * dims * count, dims * count}, {segments.data() + i * count, count}, dims};
}

template <class Typed> std::span<float> all(const Typed& array) { return {array.data(), array.size()}; }

using Rows = OutArray<float, 2>;
using Column = OutArray<float, 1>;

void check_segments(const Array<float, 3>& pixels, const Array<std::int64_t, 2>& segments, const Rows& means,
                    std::initializer_list<std::size_t> columns) {
    if (segments.shape(0) != pixels.shape(0) || segments.shape(1) != pixels.shape(2) ||
        means.shape(1) != pixels.shape(1))
        throw std::invalid_argument("pixels, segments and means differ in shape");
    for (const std::size_t size : columns)
        if (size != means.shape(0)) throw std::invalid_argument("the tables differ in length");
    for (const std::int64_t segment : view(segments))
        if (std::cmp_greater_equal(segment, means.shape(0)))
            throw std::invalid_argument("a segment has no row");
}

// No segment may be in two images. The tables hold zeros before.
void measure_segments(Array<float, 3> pixels, Array<std::int64_t, 2> segments, float margin, int norm,
                      Rows means, Column spread, Rows pull, Column area, std::size_t threads) {
    check_segments(pixels, segments, means, {spread.size(), pull.shape(0), area.size()});
    if (pull.shape(1) != means.shape(1)) throw std::invalid_argument("means and pull differ in shape");
    nb::gil_scoped_release unlocked;
    intarsia::parallel_for(pixels.shape(0), threads, [&](std::size_t i) {
        intarsia::measure_segments(image_of(pixels, segments, i), {margin, norm},
                                   {all(means), all(spread), all(pull), all(area)});
    });
}

// Adds nothing where there is no segment: `gradient` holds zeros before.
void differentiate_segments(Array<float, 3> pixels, Array<std::int64_t, 2> segments, float margin, int norm,
                            Rows means, Column spread, Rows pull, Column area, Array<float, 2> means_gradient,
                            Array<float, 1> spread_gradient, OutArray<float, 3> gradient,
                            std::size_t threads) {
    check_segments(
        pixels, segments, means,
        {spread.size(), pull.shape(0), area.size(), means_gradient.shape(0), spread_gradient.size()});
    if (pull.shape(1) != means.shape(1) || means_gradient.shape(1) != means.shape(1) ||
        gradient.size() != pixels.size())
        throw std::invalid_argument("the tables or the gradient differ in shape");
    nb::gil_scoped_release unlocked;
    const std::size_t size = pixels.shape(1) * pixels.shape(2);
    intarsia::parallel_for(pixels.shape(0), threads, [&](std::size_t i) {
        intarsia::differentiate_segments(
            image_of(pixels, segments, i), {margin, norm}, {all(means), all(spread), all(pull), all(area)},
            {view(means_gradient), view(spread_gradient)}, {gradient.data() + i * size, size});
    });
}

} // namespace

void bind_losses(nb::module_& m) {
    m.def("lovasz_extension", &lovasz_extension, nb::arg("scores"), nb::arg("labels"),
          nb::arg("valid").none(), nb::arg("floor"), nb::arg("losses"), nb::arg("gradient").none(),
          nb::arg("threads"));
    m.def("measure_segments", &measure_segments, nb::arg("pixels"), nb::arg("segments"), nb::arg("margin"),
          nb::arg("norm"), nb::arg("means"), nb::arg("spread"), nb::arg("pull"), nb::arg("area"),
          nb::arg("threads"));
    m.def("differentiate_segments", &differentiate_segments, nb::arg("pixels"), nb::arg("segments"),
          nb::arg("margin"), nb::arg("norm"), nb::arg("means"), nb::arg("spread"), nb::arg("pull"),
          nb::arg("area"), nb::arg("means_gradient"), nb::arg("spread_gradient"), nb::arg("gradient"),
          nb::arg("threads"));
}
