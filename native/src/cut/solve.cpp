#include "solve.hpp"

#include "contraction.hpp"
#include "graph.hpp"
#include "greedy.hpp"
#include "optimal.hpp"

namespace intarsia::cut {

Solution solve(const Graph& graph, const Splittable& splittable, const Options& options, const Start& start) {
    if (options.solver == Solver::greedy) return solve_greedy(graph, splittable, options, start);
    const Deadline deadline(options.time_limit_s);
    Solution solution;
    if (options.solver == Solver::optimal) {
        solution.cut = solve_optimal(graph, splittable);
    } else {
        const Refresh refresh = options.solver == Solver::lazy_contraction ? Refresh::lazy : Refresh::full;
        const Clustering merged = contract(graph, refresh, deadline);
        solution.cut = make_cut(graph, splittable, merged.labels, merged.clusters);
        solution.finished = merged.finished;
    }
    const auto clusters = solution.cut.clusters.empty() ? 0 : 1 + *std::max_element(solution.cut.clusters.begin(), solution.cut.clusters.end());
    solution.levels.push_back({"nodes", graph.num_nodes, clusters, solution.cut.cost, deadline.elapsed_s()});
    return solution;
}

Solution solve(const Grid& grid, const Splittable& splittable, const Options& options, const Start& start) {
    if (options.solver == Solver::greedy) return solve_greedy(grid, splittable, options, start);
    return solve(graph_of(grid), splittable, options, start);
}

} // namespace intarsia::cut
