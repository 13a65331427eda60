#include "solve.hpp"

#include "contraction.hpp"
#include "graph.hpp"
#include "greedy.hpp"
#include "narrow.hpp"
#include "optimal.hpp"
#include "regions.hpp"
#include "tiles.hpp"
#include "uniform_blocks.hpp"

#include <algorithm>
#include <utility>

namespace intarsia::cut {
namespace {

std::int64_t num_clusters(const Cut& cut) {
    return cut.clusters.empty() ? 0 : 1 + *std::max_element(cut.clusters.begin(), cut.clusters.end());
}

// The cut that a clustering stands for, see make_cut.
Cut cut_of(const Graph& graph, const Splittable& splittable, const Clustering& clustering) {
    return make_cut(graph, splittable, clustering.classes, clustering.clusters);
}

Cut cut_of(const Grid& grid, const Splittable& splittable, const Clustering& clustering) {
    Workers alone;
    return cut_of(grid, labels_of(splittable, clustering.classes, clustering.clusters), alone);
}

// Algorithm 2 on the points of a grid, or on its uniform blocks and what is between them.
Clustering contract_problem(const Grid& grid, Refresh refresh, const Options& options) {
    if (!options.uniform_blocks) return contract(grid, refresh, options.deadline);
    Workers alone;
    const Regions blocks = regions_of(grid, find_uniform_blocks(grid), alone);
    const Clustering clustering = contract(coarsen(grid, blocks, alone), refresh, options.deadline);
    return {paint(grid, blocks, clustering.classes, alone), paint(grid, blocks, clustering.clusters, alone),
            clustering.finished};
}

Clustering contract_problem(const Graph& graph, Refresh refresh, const Options& options) {
    return contract(graph, refresh, options.deadline);
}

template <class Problem>
Solution solve_by_contraction(const Problem& problem, const Splittable& splittable, const Options& options) {
    const Refresh refresh = options.solver == Solver::lazy_contraction ? Refresh::lazy : Refresh::full;
    const Clustering clustering = contract_problem(problem, refresh, options);
    Solution solution;
    solution.cut = cut_of(problem, splittable, clustering);
    solution.finished = clustering.finished;
    solution.log.push_back({"merged nodes", narrow<std::int64_t>(clustering.classes.size()),
                            num_clusters(solution.cut), solution.cut.cost, options.deadline.elapsed_s()});
    return solution;
}

// The exact answer, or a good one if there is no time for it.
Solution solve_exactly(const Graph& graph, const Splittable& splittable, const Options& options) {
    const Deadline search = options.deadline;
    std::optional<Cut> best = solve_optimal(graph, splittable, search);
    if (best) {
        const LogLine line{"all sets of nodes", graph.num_nodes, num_clusters(*best), best->cost,
                           search.elapsed_s()};
        return {std::move(*best), {line}, true};
    }
    Solution instead = solve_greedy(graph, splittable, {Solver::greedy, false, 1}, {});
    instead.log.back().seconds = search.elapsed_s();
    instead.finished = false;
    return instead;
}

// Local search from a solution on, which never raises its cost.
template <class Problem> Solution refine_solution(Solution solution, const Problem& problem,
                                                  const Splittable& splittable, Options options) {
    if (options.deadline.passed()) return solution;
    options.solver = Solver::greedy;
    Solution better =
        solve_greedy(problem, splittable, options, {solution.cut.classes, solution.cut.clusters});
    better.log.insert(better.log.begin(), solution.log.begin(), solution.log.end());
    better.finished = better.finished && solution.finished;
    return better;
}

} // namespace

Solution solve(const Graph& graph, const Splittable& splittable, const Options& options, const Start& start) {
    if (options.solver == Solver::greedy) return solve_greedy(graph, splittable, options, start);
    if (options.solver == Solver::optimal) return solve_exactly(graph, splittable, options);
    Solution solution = solve_by_contraction(graph, splittable, options);
    return options.refine ? refine_solution(std::move(solution), graph, splittable, options) : solution;
}

Solution solve(const Grid& grid, const Splittable& splittable, const Options& options, const Start& start) {
    if (exceeds_tile(grid, options.tile)) return solve_in_tiles(grid, splittable, options);
    if (options.solver == Solver::greedy) return solve_greedy(grid, splittable, options, start);
    if (options.solver == Solver::optimal) return solve_exactly(graph_of(grid), splittable, options);
    Solution solution = solve_by_contraction(grid, splittable, options);
    return options.refine ? refine_solution(std::move(solution), grid, splittable, options) : solution;
}

} // namespace intarsia::cut
