#include "bindings.hpp"

#include "cut/graph.hpp"
#include "cut/solve.hpp"
#include "cut/superpixels.hpp"
#include "narrow.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <tuple>

using namespace intarsia::cut;

namespace {

using Log = std::vector<std::tuple<std::string, std::int64_t, std::int64_t, double, double>>;
using Answer = std::tuple<NewArray<Class>, NewArray<Cluster>, double, bool, Log>;

Splittable to_splittable(const Array<bool, 1>& splittable) {
    return {{splittable.data(), splittable.data() + splittable.size()}};
}

Answer to_answer(Solution&& solution) {
    Log log;
    for (const LogLine& line : solution.log)
        log.emplace_back(line.name, line.nodes, line.clusters, line.cost, line.seconds);
    const std::size_t n = solution.cut.classes.size();
    return {to_numpy(std::move(solution.cut.classes), {n}), to_numpy(std::move(solution.cut.clusters), {n}),
            solution.cut.cost, solution.finished, std::move(log)};
}

std::int32_t size(const auto& array, std::size_t axis) {
    return intarsia::narrow<std::int32_t>(array.shape(axis));
}

// The arrays of a grid problem and the offsets that a Grid views. All are those of volumes; images have one
// plane.
struct GridArrays {
    std::vector<Offset> offsets;
    Grid grid;

    GridArrays(const Array<float, 4>& affinity_costs, const Array<std::int32_t, 2>& steps)
        : offsets(make_offsets(view(steps), 3, size(affinity_costs, 1), size(affinity_costs, 2),
                               size(affinity_costs, 3))),
          grid{size(affinity_costs, 1),
               size(affinity_costs, 2),
               size(affinity_costs, 3),
               0,
               {},
               view(affinity_costs),
               offsets} {
        if (steps.shape(1) != 3 || steps.shape(0) != affinity_costs.shape(0))
            throw std::invalid_argument("arrays do not fit together");
    }
    GridArrays(const GridArrays&) = delete;
};

Answer cut_graph(Array<float, 2> node_costs, Array<Node, 2> edges, Array<float, 1> edge_costs,
                 Array<bool, 1> splittable, Array<Class, 1> start_labels, Array<Cluster, 1> start_clusters,
                 Options options, double time_limit_s) {
    if (edges.shape(1) != 2 || edges.shape(0) != edge_costs.size() ||
        splittable.size() != node_costs.shape(1))
        throw std::invalid_argument("arrays do not fit together");
    Solution solution;
    {
        nb::gil_scoped_release unlocked;
        options.deadline = Deadline(time_limit_s);
        Workers workers(options.threads);
        const Graph graph = make_graph(size(node_costs, 0), size(node_costs, 1), view(node_costs),
                                       view(edges), view(edge_costs), workers);
        solution =
            solve(graph, to_splittable(splittable), options, {view(start_labels), view(start_clusters)});
    }
    return to_answer(std::move(solution));
}

Answer cut_grid(Array<float, 4> node_costs, Array<float, 4> affinity_costs, Array<std::int32_t, 2> offsets,
                Array<bool, 1> splittable, Array<Class, 1> start_labels, Array<Cluster, 1> start_clusters,
                Options options, double time_limit_s) {
    GridArrays arrays(affinity_costs, offsets);
    if (splittable.size() != node_costs.shape(0) ||
        node_costs.size() != splittable.size() * arrays.grid.num_pixels())
        throw std::invalid_argument("arrays do not fit together");
    arrays.grid.num_classes = size(node_costs, 0);
    arrays.grid.node_costs = view(node_costs);
    Solution solution;
    {
        nb::gil_scoped_release unlocked;
        options.deadline = Deadline(time_limit_s);
        solution = solve(arrays.grid, to_splittable(splittable), options,
                         {view(start_labels), view(start_clusters)});
    }
    return to_answer(std::move(solution));
}

NewArray<std::int32_t> superpixels(Array<float, 4> affinity_costs, Array<std::int32_t, 2> offsets) {
    const GridArrays arrays(affinity_costs, offsets);
    Workers workers;
    return to_numpy(find_superpixels(arrays.grid, workers, tile_size(arrays.grid, true)),
                    {affinity_costs.shape(1), affinity_costs.shape(2), affinity_costs.shape(3)});
}

} // namespace

void bind_cut(nb::module_& m) {
    nb::enum_<Solver>(m, "Solver")
        .value("greedy", Solver::greedy)
        .value("contraction", Solver::contraction)
        .value("lazy_contraction", Solver::lazy_contraction)
        .value("optimal", Solver::optimal);
    nb::class_<Options>(m, "CutOptions")
        .def(nb::init<Solver, bool, int, std::int32_t, std::int32_t>(), nb::arg("solver"), nb::arg("refine"),
             nb::arg("threads"), nb::arg("min_size"), nb::arg("tile"));
    m.def("superpixels", &superpixels, nb::arg("affinity_costs"), nb::arg("offsets"));
    m.def("cut_graph", &cut_graph, nb::arg("node_costs"), nb::arg("edges"), nb::arg("edge_costs"),
          nb::arg("splittable"), nb::arg("start_labels"), nb::arg("start_clusters"), nb::arg("options"),
          nb::arg("time_limit_s"));
    m.def("cut_grid", &cut_grid, nb::arg("node_costs"), nb::arg("affinity_costs"), nb::arg("offsets"),
          nb::arg("splittable"), nb::arg("start_labels"), nb::arg("start_clusters"), nb::arg("options"),
          nb::arg("time_limit_s"));
}
