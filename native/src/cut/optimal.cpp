#include "optimal.hpp"

#include "graph.hpp"

#include <bit>
#include <limits>

namespace intarsia::cut {
namespace {

using Set = std::uint32_t; // bit i: node i is in
constexpr double infinite = std::numeric_limits<double>::infinity();

// The best labelling of every set with the clusters that one stage may add to what earlier stages left.
struct Stage {
    std::vector<double> cost; // of every set
    std::vector<Set> taken;   // the cluster that the optimum of this set takes in this stage, 0 if none
};

class SubsetProgram {
  public:
    SubsetProgram(const Graph& graph, const Splittable& splittable, const Deadline& deadline)
        : graph_(graph), splittable_(splittable), deadline_(deadline), num_sets_(Set{1} << graph.num_nodes),
          held_(num_sets_, 0) {
        for (Set s = 1; s < num_sets_; ++s) held_[s] = held_[s & (s - 1)] + to_first_of(s);
    }

    std::optional<Cut> solve() {
        stages_.push_back(split_freely());
        for (Class k = 0; k < graph_.num_classes; ++k)
            if (!splittable_[k] && !late_) stages_.push_back(add_one_set_of(k));
        if (late_) return std::nullopt;
        return read_back();
    }

  private:
    // Asked for every set: looks at the clock for one in 64, as a set of 16 nodes has many subsets.
    bool late(Set s) {
        if ((s & 63) == 0 && deadline_.passed()) late_ = true;
        return late_;
    }

    // The edges between the first node of s and the rest of s.
    double to_first_of(Set s) const {
        double sum = 0;
        for (const auto& [j, cost] : graph_.neighbours_of(std::countr_zero(s)))
            if (s >> j & 1) sum += cost;
        return sum;
    }

    double sum_costs(Set s, Class k) const {
        double sum = 0;
        for (; s != 0; s &= s - 1) sum += graph_.costs_of(std::countr_zero(s))[k];
        return sum;
    }

    Class best_splittable(Set s) const {
        Class best = -1;
        for (Class k = 0; k < graph_.num_classes; ++k)
            if (splittable_[k] && (best < 0 || sum_costs(s, k) < sum_costs(s, best))) best = k;
        return best;
    }

    Stage split_freely() {
        std::vector<double> alone(num_sets_, infinite); // the cost of s as one cluster of a splittable class
        for (Set s = 1; s < num_sets_; ++s)
            if (const Class k = best_splittable(s); k >= 0) alone[s] = sum_costs(s, k) - held_[s];
        Stage stage{std::vector<double>(num_sets_, infinite), std::vector<Set>(num_sets_, 0)};
        stage.cost[0] = 0;
        for (Set s = 1; s < num_sets_ && !late(s); ++s) {
            const Set first = s & (~s + 1), others = s ^ first;
            for (Set rest = others;;
                 rest = (rest - 1) & others) { // the cluster of the first node: first + (others - rest)
                const double cost = alone[s ^ rest] + stage.cost[rest];
                if (cost < stage.cost[s]) stage.cost[s] = cost, stage.taken[s] = s ^ rest;
                if (rest == 0) break;
            }
        }
        return stage;
    }

    Stage add_one_set_of(Class k) {
        const std::vector<double>& before = stages_.back().cost;
        std::vector<double> alone(num_sets_);
        for (Set s = 0; s < num_sets_; ++s) alone[s] = sum_costs(s, k) - held_[s];
        Stage stage{before, std::vector<Set>(num_sets_, 0)};
        for (Set s = 1; s < num_sets_ && !late(s); ++s)
            for (Set taken = s; taken != 0; taken = (taken - 1) & s) {
                const double cost = alone[taken] + before[s ^ taken];
                if (cost < stage.cost[s]) stage.cost[s] = cost, stage.taken[s] = taken;
            }
        return stage;
    }

    Cut read_back() const {
        const std::size_t n = graph_.num_nodes;
        std::vector<Class> classes(n, 0);
        std::vector<Cluster> clusters(n, 0);
        Cluster next = 0;
        const auto give = [&](Set s, Class k) {
            if (s == 0) return;
            for (; s != 0; s &= s - 1) {
                const std::size_t i = std::countr_zero(s);
                classes[i] = k;
                clusters[i] = next;
            }
            ++next;
        };
        Set left = num_sets_ - 1;
        std::size_t stage = stages_.size();
        for (Class k = graph_.num_classes; k-- > 0;)
            if (!splittable_[k]) {
                const Set taken = stages_[--stage].taken[left];
                give(taken, k);
                left ^= taken;
            }
        while (left != 0) {
            const Set taken = stages_[0].taken[left];
            give(taken, best_splittable(taken));
            left ^= taken;
        }
        return make_cut(graph_, splittable_, classes, clusters);
    }

    const Graph& graph_;
    const Splittable& splittable_;
    const Deadline& deadline_;
    bool late_ = false;
    Set num_sets_;
    std::vector<double> held_; // the sum of the edges inside each set
    std::vector<Stage> stages_;
};

} // namespace

std::optional<Cut> solve_optimal(const Graph& graph, const Splittable& splittable, const Deadline& deadline) {
    return SubsetProgram(graph, splittable, deadline).solve();
}

} // namespace intarsia::cut
