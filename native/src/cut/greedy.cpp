#include "greedy.hpp"

#include "coarse.hpp"
#include "narrow.hpp"
#include "nodes.hpp"
#include "optimal.hpp"
#include "pair_table.hpp"
#include "small_segments.hpp"
#include "workers.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace intarsia::cut {
namespace {

constexpr std::size_t tiny = 1024;   // nodes: up to here every node is its own part
constexpr std::size_t small = 10000; // nodes: up to here refinement also starts from single nodes
// Neighbours a node, on average: up to here the nodes of a graph are merged one by one.
constexpr std::size_t dense = 12;
// Nodes: up to here the optimum takes no longer than the search.
constexpr Node exact = 9, exact_refined = 12;
constexpr std::size_t few = 64;       // nodes: up to here refinement starts several times
constexpr std::size_t worthwhile = 8; // a coarse problem is solved if it has this many times fewer nodes

std::vector<Class> cheapest_of_all(const CheapestClasses& cheapest) {
    std::vector<Class> classes(cheapest.thing.size());
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = cheapest.at(i);
    return classes;
}

template <class Nodes> class Greedy {
  public:
    Greedy(const Nodes& nodes, const Splittable& splittable, const Options& options, Workers& workers)
        : nodes_(nodes), splittable_(splittable), options_(options), workers_(workers),
          deadline_(options.deadline) {}

    Solution run(const Start& start) {
        if (start.classes.empty()) begin();
        else begin_at(start);
        move_nodes();
        reserve();
        if (from_nodes_ || !start.classes.empty()) improve(false);
        if (options_.refine || nodes_.size() <= few) improve(true);
        if (options_.refine && nodes_.size() <= few) try_other_starts();
        if (options_.min_size > 1) absorb_small_pieces();
        return finish();
    }

  private:
    // The first answer tells how long things take: no step is begun that ends too late, and time to finish is
    // kept.
    void reserve() {
        const double pass_s = deadline_.elapsed_s() - start_s_;
        deadline_ = deadline_.before((options_.min_size > 1 ? 0.6 : 0.2) * pass_s);
        step_s_ = 0.4 * pass_s;
    }

    void improve(bool refining) {
        for (bool better = true; better && !deadline_.passed(step_s_);) {
            better = improve_coarse(refining);
            if (better) move_nodes();
            if (refining && !deadline_.passed(step_s_) && refine_small_pieces()) {
                better = true;
                move_nodes();
            }
        }
    }

    // Local search of small problems from every node alone, and from everything in one segment of each class.
    void try_other_starts() {
        auto pieces = nodes_.pieces(z_.of);
        Labels best = z_;
        double cost = nodes_.cost(pieces, best);
        for (Class k = -1; k < nodes_.num_classes() && !deadline_.passed(step_s_); ++k) {
            z_ = k < 0 ? labels_of(splittable_, cheapest_of_all(cheapest_))
                       : labels_of(splittable_, std::vector<Class>(nodes_.size(), k),
                                   std::vector<Cluster>(nodes_.size(), 0));
            improve(true);
            const double other = nodes_.cost(nodes_.pieces(z_.of), z_);
            if (other < cost) cost = other, best = z_;
        }
        z_ = best;
    }

    void begin_at(const Start& start) {
        workers_.run(nodes_.find_cheapest(cheapest_));
        z_ = labels_of(splittable_, start.classes, start.clusters);
    }

    void begin() {
        auto pieces = nodes_.small_pieces();
        if (nodes_.has_parts() && worthwhile * pieces.count() > nodes_.size()) {
            // The problem between so many pieces is hardly smaller. Nodes begin with their cheapest classes
            // and move instead, and the problem between the pieces that come of it is solved then, by
            // improve.
            workers_.run(nodes_.find_cheapest(cheapest_));
            z_ = labels_of(splittable_, cheapest_of_all(cheapest_));
            from_nodes_ = true;
            return;
        }
        const Graph graph = nodes_.coarse(pieces);
        const Labels labels =
            solve_coarse(graph, splittable_, deadline_, workers_, nodes_.find_cheapest(cheapest_));
        log("regions", pieces.count(), labels, cost_of(graph, labels));
        z_ = spread_labels(labels, pieces);
    }

    void move_nodes() { nodes_.move(cheapest_, z_, deadline_); }

    // Solve the problem between the pieces of the current labels; whether that lowers the cost.
    bool improve_coarse(bool refining) {
        auto pieces = nodes_.pieces(z_.of);
        const Graph graph = nodes_.coarse(pieces);
        const auto part_of = this->part_of(pieces);
        const Labels now = labels_of_parts(z_, part_of, pieces.count(), splittable_);
        Labels labels = solve_coarse(graph, splittable_, deadline_, workers_);
        if (refining) refine(graph, splittable_, labels, deadline_);
        return accept("pieces", graph, now, labels, pieces);
    }

    // Local search on the small pieces, cut along the current labels; whether that lowers the cost.
    bool refine_small_pieces() {
        if (small_part_of_.empty()) small_part_of_ = part_of(nodes_.small_pieces());
        auto pieces = nodes_.pieces(cut_along_labels(small_part_of_));
        const Graph graph = nodes_.coarse(pieces);
        const auto part_of = this->part_of(pieces);
        const Labels now = labels_of_parts(z_, part_of, pieces.count(), splittable_);
        Labels labels = now;
        refine(graph, splittable_, labels, deadline_);
        return accept("refined pieces", graph, now, labels, pieces);
    }

    template <class Pieces> bool accept(const char* name, const Graph& graph, const Labels& now,
                                        const Labels& labels, const Pieces& pieces) {
        const double cost = cost_of(graph, now), better = cost_of(graph, labels);
        if (!clearly_lower(better, cost)) return false;
        log(name, graph.num_nodes, labels, better);
        z_ = spread_labels(labels, pieces);
        return true;
    }

    // Ids that differ wherever labels or parts do.
    std::vector<std::int32_t> cut_along_labels(const std::vector<std::int32_t>& part_of) const {
        PairTable table(part_of.size());
        std::vector<std::int32_t> ids(part_of.size());
        const auto num_labels = narrow<std::int32_t>(z_.class_of.size());
        std::int32_t next = 0;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            ids[i] = table.find_or_insert(z_.of[i], num_labels + part_of[i], next);
            next += ids[i] == next;
        }
        return ids;
    }

    void absorb_small_pieces() {
        auto pieces = nodes_.pieces(z_.of);
        const Graph graph = nodes_.coarse(pieces);
        const auto part_of = this->part_of(pieces);
        std::vector<std::int64_t> sizes(pieces.count(), 0);
        for (const std::int32_t part : part_of) ++sizes[part];
        Labels whole = labels_of_parts(z_, part_of, pieces.count(), splittable_);
        absorb_small(graph, splittable_, sizes, options_.min_size, whole);
        log("small pieces absorbed", pieces.count(), whole, cost_of(graph, whole));
        z_ = spread_labels(whole, pieces);
    }

    Solution finish() {
        auto pieces = nodes_.pieces(z_.of);
        Cut& cut = solution_.cut;
        cut.clusters = part_of(pieces);
        std::vector<Class> classes;
        for (const Node i : nodes_.first_of(pieces)) classes.push_back(z_.class_at(i));
        cut.classes = nodes_.spread(pieces, classes);
        cut.cost = nodes_.cost(pieces, z_);
        solution_.log.push_back(
            {"nodes", narrow<std::int64_t>(nodes_.size()), pieces.count(), cut.cost, deadline_.elapsed_s()});
        solution_.finished = !deadline_.passed(step_s_);
        return std::move(solution_);
    }

    template <class Pieces> std::vector<std::int32_t> part_of(const Pieces& pieces) const {
        std::vector<std::int32_t> parts(pieces.count());
        std::iota(parts.begin(), parts.end(), 0);
        return nodes_.spread(pieces, parts);
    }

    // The labels of pieces, given to their nodes.
    template <class Pieces> Labels spread_labels(const Labels& of_pieces, const Pieces& pieces) const {
        Labels z = rename_labels(of_pieces, nodes_.first_of(pieces), nodes_.size(), nodes_.num_classes());
        z.of = nodes_.spread(pieces, z.of);
        return z;
    }

    void log(const char* name, std::int64_t nodes, const Labels& z, double cost) {
        const std::int32_t used = renumber(z.of, z.class_of.size()).count;
        solution_.log.push_back({name, nodes, used, cost, deadline_.elapsed_s()});
    }

    const Nodes& nodes_;
    const Splittable& splittable_;
    const Options& options_;
    Workers& workers_;
    Deadline deadline_;
    const double start_s_ = deadline_.elapsed_s();
    double step_s_ = 0; // what a step of the improvement takes
    CheapestClasses cheapest_;
    Labels z_;
    std::vector<std::int32_t> small_part_of_; // once it is asked for
    bool from_nodes_ = false; // the search began at single nodes: the small pieces were too many
    Solution solution_;
};

Solution from_single_nodes(const Graph& graph, const Splittable& splittable, const Options& options) {
    Workers alone;
    return Greedy(GraphNodes{graph, splittable, alone, false}, splittable, options, alone).run({});
}

// Solve once more in the time that is left, and keep the answer if it costs less.
template <class Solve> void keep_better(Solution& solution, Solve solve_again) {
    if (!solution.finished) return;
    Solution other = solve_again();
    const bool better = other.cut.cost < solution.cut.cost;
    const LogLine last = better ? other.log.back() : solution.log.back();
    if (better) solution.cut = std::move(other.cut);
    solution.finished = solution.finished && other.finished;
    solution.log.insert(solution.log.end(), other.log.begin(), other.log.end());
    solution.log.push_back(
        {"better of both", last.nodes, last.clusters, last.cost, other.log.back().seconds});
}

// The optimum, where it takes no longer than a search; nothing if the time or something else is in its way.
std::optional<Solution> exact_if_small(const Graph& graph, const Splittable& splittable,
                                       const Options& options) {
    const bool small_enough = graph.num_nodes <= (options.refine ? exact_refined : exact);
    if (!small_enough || options.min_size > 1) return std::nullopt;
    std::optional<Cut> best = solve_optimal(graph, splittable, options.deadline);
    if (!best) return std::nullopt;
    const std::int32_t clusters = 1 + *std::max_element(best->clusters.begin(), best->clusters.end());
    const LogLine line{"all sets of nodes", graph.num_nodes, clusters, best->cost,
                       options.deadline.elapsed_s()};
    return Solution{std::move(*best), {line}, true};
}

} // namespace

Solution solve_greedy(const Grid& grid, const Splittable& splittable, const Options& options,
                      const Start& start) {
    if (grid.num_pixels() <= tiny) return solve_greedy(graph_of(grid), splittable, options, start);
    Workers workers(options.threads);
    Solution solution = Greedy(GridNodes{grid, splittable, workers}, splittable, options, workers).run(start);
    if (options.refine && grid.num_pixels() <= small)
        keep_better(solution, [&] { return from_single_nodes(graph_of(grid), splittable, options); });
    return solution;
}

Solution solve_greedy(const Graph& graph, const Splittable& splittable, const Options& options,
                      const Start& start) {
    if (std::optional<Solution> best = exact_if_small(graph, splittable, options)) return std::move(*best);
    const std::size_t size = graph.num_nodes;
    const bool by_parts = size > tiny && graph.neighbours.size() > dense * size;
    Workers workers(size <= tiny ? 1 : options.threads);
    Solution solution =
        Greedy(GraphNodes{graph, splittable, workers, by_parts}, splittable, options, workers).run(start);
    if (options.refine && by_parts && size <= small)
        keep_better(solution, [&] { return from_single_nodes(graph, splittable, options); });
    return solution;
}

} // namespace intarsia::cut
