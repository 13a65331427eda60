#include "bindings.hpp"

#include "layers/lifted_cut.hpp"
#include "narrow.hpp"

#include <nanobind/stl/optional.h>

#include <optional>
#include <stdexcept>

using namespace intarsia;

namespace {

std::vector<cut::Offset> to_offsets(const Array<cut::Node, 2>& offsets, std::size_t height,
                                    std::size_t width) {
    if (offsets.shape(1) != 2) throw std::invalid_argument("offsets are not pairs");
    return cut::make_offsets(view(offsets), 2, 1, narrow<std::int32_t>(height), narrow<std::int32_t>(width));
}

// A grid that knows which pixels are joined, but no costs.
cut::Grid bare_grid(std::size_t height, std::size_t width, std::span<const cut::Offset> steps) {
    return {1, narrow<std::int32_t>(height), narrow<std::int32_t>(width), 0, {}, {}, steps};
}

void check_below(std::span<const std::int32_t> values, std::size_t limit) {
    for (const std::int32_t value : values)
        if (value < 0 || std::cmp_greater_equal(value, limit))
            throw std::invalid_argument("a label or class does not exist");
}

// The arrays of one image, which a Grid and its LiftedLabels view.
struct LiftedProblem {
    std::vector<cut::Offset> steps;
    cut::Grid grid;
    layers::LiftedLabels labels;

    LiftedProblem(const Array<float, 3>& node_costs, const Array<float, 3>& affinity_costs,
                  const Array<cut::Node, 2>& offsets, const Array<cut::Class, 1>& class_of,
                  const Array<std::int32_t, 1>& plane_of, const Array<float, 3>& gradient)
        : steps(to_offsets(offsets, node_costs.shape(1), node_costs.shape(2))),
          grid(bare_grid(node_costs.shape(1), node_costs.shape(2), steps)),
          labels{view(class_of), view(plane_of), view(gradient)} {
        const auto fits = [&](const auto& array) {
            return array.shape(1) == node_costs.shape(1) && array.shape(2) == node_costs.shape(2);
        };
        if (!fits(affinity_costs) || !fits(gradient) || steps.size() != affinity_costs.shape(0) ||
            class_of.size() != plane_of.size())
            throw std::invalid_argument("arrays do not fit together");
        check_below(view(class_of), node_costs.shape(0));
        for (const std::int32_t plane : view(plane_of))
            if (std::cmp_greater_equal(plane, gradient.shape(0)))
                throw std::invalid_argument("a plane does not exist");
        grid.num_classes = narrow<cut::Class>(node_costs.shape(0));
        grid.node_costs = view(node_costs);
        grid.edge_costs = view(affinity_costs);
    }
    LiftedProblem(const LiftedProblem&) = delete;

    void check(const Array<layers::Label, 2>& z) const {
        if (z.size() != grid.num_pixels()) throw std::invalid_argument("labels and costs differ in size");
        check_below(view(z), labels.class_of.size());
    }
};

NewArray<layers::Label> solve_lifted(Array<float, 3> node_costs, Array<float, 3> affinity_costs,
                                     Array<cut::Node, 2> offsets, Array<cut::Class, 1> class_of,
                                     Array<std::int32_t, 1> plane_of, Array<float, 3> gradient,
                                     Array<layers::Label, 2> start, float step) {
    const LiftedProblem problem(node_costs, affinity_costs, offsets, class_of, plane_of, gradient);
    std::vector<layers::Label> z;
    {
        nb::gil_scoped_release unlocked;
        problem.check(start);
        z = layers::solve_lifted(problem.grid, problem.labels, step, view(start));
    }
    return to_numpy(std::move(z), {start.shape(0), start.shape(1)});
}

double lifted_cost(Array<float, 3> node_costs, Array<float, 3> affinity_costs, Array<cut::Node, 2> offsets,
                   Array<cut::Class, 1> class_of, Array<std::int32_t, 1> plane_of, Array<float, 3> gradient,
                   Array<layers::Label, 2> labels, float step) {
    const LiftedProblem problem(node_costs, affinity_costs, offsets, class_of, plane_of, gradient);
    problem.check(labels);
    return layers::lifted_cost(problem.grid, problem.labels, step, view(labels));
}

// Adds to `node_gradient` and `affinity_gradient` what the differences between `start` and the solutions
// tell.
void add_lifted_differences(Array<cut::Node, 2> offsets, Array<cut::Class, 1> class_of,
                            Array<layers::Label, 2> start, Array<layers::Label, 3> solutions,
                            Array<float, 1> weights, std::optional<Array<bool, 2>> counts,
                            OutArray<float, 3> node_gradient, OutArray<float, 3> affinity_gradient) {
    const std::size_t pixels = start.size();
    if (solutions.shape(0) != weights.size() || solutions.shape(1) * solutions.shape(2) != pixels ||
        (counts && counts->size() != pixels) || node_gradient.shape(1) * node_gradient.shape(2) != pixels ||
        affinity_gradient.shape(1) * affinity_gradient.shape(2) != pixels ||
        affinity_gradient.shape(0) != offsets.shape(0))
        throw std::invalid_argument("arrays do not fit together");
    const std::vector<cut::Offset> steps = to_offsets(offsets, start.shape(0), start.shape(1));
    nb::gil_scoped_release unlocked;
    check_below(view(class_of), node_gradient.shape(0));
    check_below(view(start), class_of.size());
    check_below(view(solutions), class_of.size());
    const cut::Grid grid = bare_grid(start.shape(0), start.shape(1), steps);
    for (std::size_t s = 0; s < weights.size(); ++s)
        layers::add_differences(grid, view(class_of), view(start),
                                view(solutions).subspan(s * pixels, pixels),
                                counts ? view(*counts) : std::span<const bool>{}, weights.data()[s],
                                {{node_gradient.data(), node_gradient.size()},
                                 {affinity_gradient.data(), affinity_gradient.size()}});
}

NewArray<std::int32_t> connected_pieces(Array<cut::Node, 2> offsets, Array<layers::Label, 2> labels) {
    const std::vector<cut::Offset> steps = to_offsets(offsets, labels.shape(0), labels.shape(1));
    std::vector<std::int32_t> pieces;
    {
        nb::gil_scoped_release unlocked;
        pieces = layers::connected_pieces(bare_grid(labels.shape(0), labels.shape(1), steps), view(labels));
    }
    return to_numpy(std::move(pieces), {labels.shape(0), labels.shape(1)});
}

} // namespace

void bind_layers(nb::module_& m) {
    m.def("solve_lifted", &solve_lifted, nb::arg("node_costs"), nb::arg("affinity_costs"), nb::arg("offsets"),
          nb::arg("class_of"), nb::arg("plane_of"), nb::arg("gradient"), nb::arg("start"), nb::arg("step"));
    m.def("lifted_cost", &lifted_cost, nb::arg("node_costs"), nb::arg("affinity_costs"), nb::arg("offsets"),
          nb::arg("class_of"), nb::arg("plane_of"), nb::arg("gradient"), nb::arg("labels"), nb::arg("step"));
    m.def("add_lifted_differences", &add_lifted_differences, nb::arg("offsets"), nb::arg("class_of"),
          nb::arg("start"), nb::arg("solutions"), nb::arg("weights"), nb::arg("counts").none(),
          nb::arg("node_gradient"), nb::arg("affinity_gradient"));
    m.def("connected_pieces", &connected_pieces, nb::arg("offsets"), nb::arg("labels"));
}
