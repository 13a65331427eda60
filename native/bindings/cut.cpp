#include "bindings.hpp"

#include "cut/graph.hpp"
#include "cut/solve.hpp"
#include "cut/superpixels.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <tuple>

using namespace intarsia::cut;

namespace {

using Log = std::vector<std::tuple<std::string, std::int64_t, std::int64_t, double, double>>;
using Answer = std::tuple<NewArray<Class>, NewArray<Cluster>, double, bool, Log>;

Solver solver_named(const std::string& name) {
    if (name == "greedy") return Solver::greedy;
    if (name == "contraction") return Solver::contraction;
    if (name == "lazy contraction") return Solver::lazy_contraction;
    if (name == "optimal") return Solver::optimal;
    throw std::invalid_argument("unknown solver " + name);
}

Splittable to_splittable(const Array<bool, 1>& splittable) { return {{splittable.data(), splittable.data() + splittable.size()}}; }

Answer to_answer(Solution&& solution) {
    Log log;
    for (const Level& level : solution.levels)
        log.emplace_back(level.name, level.nodes, level.clusters, level.cost, level.seconds);
    const std::size_t n = solution.cut.labels.size();
    return {to_numpy(std::move(solution.cut.labels), {n}), to_numpy(std::move(solution.cut.clusters), {n}),
            solution.cut.cost, solution.finished, std::move(log)};
}

Answer cut_graph(Array<float, 2> node_costs, Array<Node, 2> edges, Array<float, 1> edge_costs,
                 Array<bool, 1> splittable, Array<Class, 1> start_labels, Array<Cluster, 1> start_clusters,
                 const std::string& solver, bool refine, int threads, Node min_size, double time_limit_s) {
    if (edges.shape(1) != 2 || edges.shape(0) != edge_costs.size() || splittable.size() != node_costs.shape(1))
        throw std::invalid_argument("arrays do not fit together");
    Solution solution;
    {
        nb::gil_scoped_release unlocked;
        const Options options{solver_named(solver), refine, threads, min_size, Deadline(time_limit_s)};
        const Graph graph = make_graph(static_cast<Node>(node_costs.shape(0)), static_cast<Class>(node_costs.shape(1)),
                                       view(node_costs), view(edges), view(edge_costs));
        solution = solve(graph, to_splittable(splittable), options, {view(start_labels), view(start_clusters)});
    }
    return to_answer(std::move(solution));
}

Answer cut_grid(Array<float, 3> node_costs, Array<float, 3> affinity_costs, Array<Node, 2> offsets,
                Array<bool, 1> splittable, Array<Class, 1> start_labels, Array<Cluster, 1> start_clusters,
                const std::string& solver, bool refine, int threads, Node min_size, double time_limit_s) {
    if (offsets.shape(1) != 2 || offsets.shape(0) != affinity_costs.shape(0) ||
        splittable.size() != node_costs.shape(0))
        throw std::invalid_argument("arrays do not fit together");
    Solution solution;
    {
        nb::gil_scoped_release unlocked;
        const Options options{solver_named(solver), refine, threads, min_size, Deadline(time_limit_s)};
        std::vector<Offset> steps;
        for (std::size_t o = 0; o < offsets.shape(0); ++o) steps.push_back({offsets.data()[2 * o], offsets.data()[2 * o + 1]});
        const Grid grid{static_cast<std::int32_t>(node_costs.shape(1)), static_cast<std::int32_t>(node_costs.shape(2)),
                        static_cast<Class>(node_costs.shape(0)), view(node_costs), view(affinity_costs), steps};
        solution = solve(grid, to_splittable(splittable), options, {view(start_labels), view(start_clusters)});
    }
    return to_answer(std::move(solution));
}

NewArray<std::int32_t> superpixels(Array<float, 3> affinity_costs, Array<Node, 2> offsets) {
    if (offsets.shape(1) != 2 || offsets.shape(0) != affinity_costs.shape(0))
        throw std::invalid_argument("arrays do not fit together");
    const std::size_t height = affinity_costs.shape(1), width = affinity_costs.shape(2);
    std::vector<Offset> steps;
    for (std::size_t o = 0; o < offsets.shape(0); ++o) steps.push_back({offsets.data()[2 * o], offsets.data()[2 * o + 1]});
    const Grid grid{static_cast<std::int32_t>(height), static_cast<std::int32_t>(width), 0, {}, view(affinity_costs), steps};
    Workers workers;
    return to_numpy(find_superpixels(grid, workers), {height, width});
}

} // namespace

void bind_cut(nb::module_& m) {
    m.def("superpixels", &superpixels, nb::arg("affinity_costs"), nb::arg("offsets"));
    m.def("cut_graph", &cut_graph, nb::arg("node_costs"), nb::arg("edges"), nb::arg("edge_costs"),
          nb::arg("splittable"), nb::arg("start_labels"), nb::arg("start_clusters"), nb::arg("solver"),
          nb::arg("refine"), nb::arg("threads"), nb::arg("min_size"), nb::arg("time_limit_s"));
    m.def("cut_grid", &cut_grid, nb::arg("node_costs"), nb::arg("affinity_costs"), nb::arg("offsets"),
          nb::arg("splittable"), nb::arg("start_labels"), nb::arg("start_clusters"), nb::arg("solver"),
          nb::arg("refine"), nb::arg("threads"), nb::arg("min_size"), nb::arg("time_limit_s"));
}
