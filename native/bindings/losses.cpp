#include "bindings.hpp"

#include "losses/lovasz_extension.hpp"
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
void lovasz_extension(Array<float, 2> scores, Array<bool, 2> labels, std::optional<Array<bool, 2>> valid, float floor,
                      OutArray<double, 1> losses, std::optional<OutArray<float, 2>> gradient, std::size_t threads) {
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
            const auto out = gradient ? std::span<float>(gradient->data() + m * pixels, pixels) : std::span<float>{};
            losses.data()[m] = intarsia::lovasz_extension({row(scores, m), row(labels, m), allowed, floor}, out,
                                                          workspaces[worker]);
        }
    });
}

} // namespace

void bind_losses(nb::module_& m) {
    m.def("lovasz_extension", &lovasz_extension, nb::arg("scores"), nb::arg("labels"), nb::arg("valid").none(),
          nb::arg("floor"), nb::arg("losses"), nb::arg("gradient").none(), nb::arg("threads"));
}
