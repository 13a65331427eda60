#include "greedy.hpp"

#include "aggregate.hpp"
#include "coarse.hpp"
#include "graph.hpp"
#include "local_moves.hpp"
#include "regions.hpp"
#include "small_parts.hpp"
#include "superpixels.hpp"

#include <unordered_set>

namespace intarsia::cut {
namespace {

constexpr std::size_t tiny = 1024;      // nodes: below, every node is its own part
constexpr std::int32_t part_size = 32;  // nodes, for graphs
constexpr std::int32_t worthwhile = 8;  // a coarse problem is solved if it has this many times fewer nodes

std::vector<Class> cheapest_of_all(const CheapestClasses& cheapest) {
    std::vector<Class> classes(cheapest.thing.size());
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = cheapest.at(i);
    return classes;
}

// The level below the pixels or nodes, which is all that differs between images and graphs.
struct GridLevel {
    const Grid& grid;
    const Splittable& splittable;
    const Options& options;
    std::size_t size() const { return grid.num_pixels(); }
    Class num_classes() const { return grid.num_classes; }
    CheapestClasses cheapest() const { return cheapest_classes(grid, splittable); }
    MoveCounts move(const CheapestClasses& cheapest, Labels& z, const Deadline& deadline) const { return move_locally(grid, cheapest, z, deadline); }
    Regions pieces(std::span<const Label> z) const { return find_regions(grid, z); }
    Regions small_pieces() const { return find_regions(grid, find_superpixels(grid, options.threads)); }
    Graph coarse(const Regions& regions) const { return coarsen(grid, regions); }
    std::vector<std::int32_t> part_of(const Regions& regions) const { return paint(grid, regions); }
    double cost(const Regions& regions, const Labels& z) const { return cost_of(grid, regions, z.class_of); }
};

struct Pieces {
    Partition parts;
    std::int32_t count() const { return parts.count; }
};

struct GraphLevel {
    const Graph& graph;
    const Splittable& splittable;
    std::size_t size() const { return static_cast<std::size_t>(graph.num_nodes); }
    Class num_classes() const { return graph.num_classes; }
    CheapestClasses cheapest() const { return cheapest_classes(graph, splittable); }
    MoveCounts move(const CheapestClasses& cheapest, Labels& z, const Deadline& deadline) const { return move_locally(graph, cheapest, z, deadline); }
    Pieces pieces(std::span<const Label> z) const { return {connected_parts(graph, z)}; }
    Pieces small_pieces() const { return {find_small_parts(graph, size() <= tiny ? 1 : part_size)}; }
    Graph coarse(const Pieces& pieces) const { return aggregate(graph, pieces.parts.part_of, pieces.parts.count); }
    std::vector<std::int32_t> part_of(const Pieces& pieces) const { return pieces.parts.part_of; }
    double cost(const Pieces&, const Labels& z) const { return cost_of(graph, z); }
};

template <class Level_> class Greedy {
  public:
    Greedy(const Level_& level, const Splittable& splittable, const Options& options)
        : level_(level), splittable_(splittable), options_(options), deadline_(options.time_limit_s) {}

    Solution run(const Start& start) {
        cheapest_ = level_.cheapest();
        if (start.labels.empty()) begin();
        else z_ = labels_of(splittable_, start.labels, start.clusters);
        move_nodes();
        if (options_.refine || from_nodes_ || !start.labels.empty())
            while (!deadline_.passed() && improve_coarse()) move_nodes();
        return finish();
    }

  private:
    void begin() {
        const auto pieces = level_.small_pieces();
        if (level_.size() > tiny && static_cast<std::size_t>(pieces.count()) * worthwhile > level_.size()) {
            z_ = labels_of(splittable_, cheapest_of_all(cheapest_));
            from_nodes_ = true;
            return;
        }
        const Graph graph = level_.coarse(pieces);
        const Labels found = solve_coarse(graph, splittable_, deadline_);
        log("regions", pieces.count(), found, cost_of(graph, found));
        z_ = refined(found, level_.part_of(pieces), level_.num_classes());
    }

    void move_nodes() { level_.move(cheapest_, z_, deadline_); }

    // Solve the problem between the pieces of the current labels; whether that lowers the cost.
    bool improve_coarse() {
        const auto pieces = level_.pieces(z_.of);
        const Graph graph = level_.coarse(pieces);
        const auto part_of = level_.part_of(pieces);
        const Labels now = labels_of_parts(part_of, pieces.count());
        const double cost = cost_of(graph, now);
        const Labels found = solve_coarse(graph, splittable_, deadline_);
        const double better = cost_of(graph, found);
        if (!(better < cost - 1e-7 * std::abs(cost))) return false;
        log("regions", pieces.count(), found, better);
        z_ = refined(found, part_of, level_.num_classes());
        return true;
    }

    Labels labels_of_parts(const std::vector<std::int32_t>& part_of, std::int32_t count) const {
        std::vector<Class> classes(static_cast<std::size_t>(count));
        std::vector<Cluster> clusters(static_cast<std::size_t>(count));
        std::vector<std::int32_t> first(z_.class_of.size(), -1); // the first part of each label names it
        for (std::size_t i = 0; i < part_of.size(); ++i) {
            const auto part = static_cast<std::size_t>(part_of[i]);
            std::int32_t& name = first[static_cast<std::size_t>(z_.of[i])];
            if (name < 0) name = part_of[i];
            classes[part] = z_.class_at(i);
            clusters[part] = name;
        }
        return labels_of(splittable_, classes, clusters);
    }

    Solution finish() {
        const auto pieces = level_.pieces(z_.of);
        Cut& cut = solution_.cut;
        cut.clusters = level_.part_of(pieces);
        cut.labels.resize(level_.size());
        for (std::size_t i = 0; i < cut.labels.size(); ++i) cut.labels[i] = z_.class_at(i);
        cut.cost = level_.cost(pieces, z_);
        solution_.levels.push_back({"nodes", static_cast<std::int64_t>(level_.size()), pieces.count(), cut.cost, deadline_.elapsed_s()});
        solution_.finished = !deadline_.passed();
        return std::move(solution_);
    }

    void log(const char* name, std::int64_t nodes, const Labels& z, double cost) {
        const std::unordered_set<Label> used(z.of.begin(), z.of.end());
        solution_.levels.push_back({name, nodes, static_cast<std::int64_t>(used.size()), cost, deadline_.elapsed_s()});
    }

    const Level_& level_;
    const Splittable& splittable_;
    const Options& options_;
    const Deadline deadline_;
    CheapestClasses cheapest_;
    Labels z_;
    bool from_nodes_ = false; // there were no small pieces to start from
    Solution solution_;
};

} // namespace

Solution solve_greedy(const Grid& grid, const Splittable& splittable, const Options& options, const Start& start) {
    if (grid.num_pixels() <= tiny) return solve_greedy(graph_of(grid), splittable, options, start);
    return Greedy(GridLevel{grid, splittable, options}, splittable, options).run(start);
}

Solution solve_greedy(const Graph& graph, const Splittable& splittable, const Options& options, const Start& start) {
    return Greedy(GraphLevel{graph, splittable}, splittable, options).run(start);
}

} // namespace intarsia::cut
