#include "local_moves.hpp"

#include "fields.hpp"
#include "narrow.hpp"
#include "workers.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace intarsia::cut {
namespace {

constexpr float tolerance = 1e-6f;     // gains below this part of the costs involved are rounding
constexpr int rounds_side_by_side = 2; // after them few moves are left

// What all stretches share. A stretch writes what belongs to its own nodes only.
struct State {
    Labels& z;
    std::vector<Label> before;         // the labels that stretches see of each other
    std::vector<std::uint8_t> active;  // to be looked at
    std::vector<std::uint8_t> founded; // this label is or was in use, for the labels of instances
    std::vector<float> bounds;
};

// The labels around one node and how much each attracts it, its own label first.
class alignas(far_apart) Around {
  public:
    explicit Around(std::size_t num_labels) : slot_(num_labels, -1) {}

    void add(Label label, float cost) {
        std::int32_t& slot = slot_[label];
        if (slot < 0) {
            slot = narrow<std::int32_t>(labels.size());
            labels.push_back(label);
            sums.push_back(cost);
        } else {
            sums[slot] += cost;
        }
    }
    bool holds(Label label) const { return slot_[label] >= 0; }
    void clear() {
        for (const Label label : labels) slot_[label] = -1;
        labels.clear();
        sums.clear();
    }

    std::vector<Label> labels;
    std::vector<float> sums;

  private:
    std::vector<std::int32_t> slot_; // of a label in `labels`, -1 if it is not there
};

// Moves within one stretch. Labels outside are what they were when the moves began.
template <class Field> class StretchMoves {
  public:
    StretchMoves(const Field& field, const Splittable& splittable, const CheapestClasses& cheapest,
                 State& state, Stretch stretch, Around& around)
        : field_(field), splittable_(splittable), cheapest_(cheapest), state_(state), z_(state.z),
          stretch_(stretch), around_(around) {}

    // Sweeps until nothing moves; what they gain is the sum of what each node gained as it saw the others.
    void run(const Deadline& deadline) {
        any_ = true;
        while (any_ && !deadline.passed()) {
            any_ = false;
            run_sweep(deadline);
        }
    }
    double gain() const { return gain_; }

    // A neighbour of j went from label `left` to `target`; whether j has to be looked at.
    static bool raise_bound(State& state, std::size_t j, Label left, Label target, float cost) {
        const Label z = state.z.of[j];
        const float loss =
            z == left ? cost : -cost; // what staying is worth less than before, if z is one of the two
        state.bounds[j] += z == left || z == target ? loss + std::max(loss, 0.0f) : std::abs(cost);
        if (state.bounds[j] <= 0) return false;
        state.active[j] = 1;
        return true;
    }

  private:
    void run_sweep(const Deadline& deadline) {
        for (std::size_t i = stretch_.first; i < stretch_.end;) {
            std::uint64_t eight = 1;
            if (i + 8 <= stretch_.end) std::memcpy(&eight, &state_.active[i], 8);
            if (eight == 0) {
                i += 8;
                continue;
            }
            if (state_.active[i]) {
                state_.active[i] = 0;
                consider(i);
                if ((++looked_at_ & 1023) == 0 && deadline.passed()) return;
            }
            ++i;
        }
    }

    void consider(std::size_t i) {
        const Label own = z_.of[i];
        around_.add(own, 0);
        field_.for_neighbours(i, [&](std::size_t j, float cost) { around_.add(label_of(j), cost); });
        const float stay = around_.sums[0] - own_cost(i), least = cheapest_.cost(i);
        float best = -std::numeric_limits<float>::infinity();
        Label target = own;
        const auto offer = [&](float value, Label label) {
            if (value > best) best = value, target = label;
        };
        for (std::size_t a = 1; a < around_.labels.size(); ++a)
            if (around_.sums[a] - least > best)
                offer(around_.sums[a] - field_.node_cost(i, z_.class_of[around_.labels[a]]),
                      around_.labels[a]);
        const Label fresh = field_.num_classes() + narrow<Label>(i);
        if (!state_.founded[fresh]) offer(-cheapest_.thing_cost[i], fresh);
        float others = -cheapest_.stuff_cost[i]; // no class outside P that is not around is worth more
        if (others > best && others > stay) {
            if (const Class k = cheapest_stuff_elsewhere(i); k >= 0) offer(-field_.node_cost(i, k), k);
            others = best;
        }
        around_.clear();
        state_.bounds[i] = std::max(best, others) - stay;
        if (best - stay > tolerance * (std::abs(best) + std::abs(stay))) move(i, target, best - stay);
    }

    // The cheapest class outside P that no neighbour bears, -1 if there is none: mostly the cheapest of all.
    Class cheapest_stuff_elsewhere(std::size_t i) const {
        if (!around_.holds(cheapest_.stuff[i])) return cheapest_.stuff[i];
        Class best = -1;
        for (Class k = 0; k < field_.num_classes(); ++k)
            if (!splittable_[k] && !around_.holds(k) &&
                (best < 0 || field_.node_cost(i, k) < field_.node_cost(i, best)))
                best = k;
        return best;
    }

    void move(std::size_t i, Label target, float gain) {
        gain_ += gain;
        if (target >= field_.num_classes() && !state_.founded[target]) {
            state_.founded[target] = 1;
            z_.class_of[target] = cheapest_.thing[i];
        }
        const Label left = std::exchange(z_.of[i], target);
        state_.bounds[i] = 0;
        field_.for_neighbours(i, [&](std::size_t j, float cost) {
            if (stretch_.holds(j)) any_ |= raise_bound(state_, j, left, target, cost);
        });
    }

    Label label_of(std::size_t j) const { return stretch_.holds(j) ? z_.of[j] : state_.before[j]; }
    float own_cost(std::size_t i) const { return field_.node_cost(i, z_.class_at(i)); }

    const Field& field_;
    const Splittable& splittable_;
    const CheapestClasses& cheapest_;
    State& state_;
    Labels& z_;
    const Stretch stretch_;
    Around& around_;
    bool any_ = false; // there is something to be looked at
    double gain_ = 0;
    std::int64_t looked_at_ = 0;
};

template <class Field> class LocalMoves {
    using Moves = StretchMoves<Field>;

  public:
    LocalMoves(const Field& field, const Splittable& splittable, const CheapestClasses& cheapest, Labels& z,
               Workers& workers)
        : field_(field), splittable_(splittable), cheapest_(cheapest), workers_(workers),
          state_{z,
                 {},
                 std::vector<std::uint8_t>(field.size(), 0),
                 std::vector<std::uint8_t>(z.class_of.size(), 0),
                 std::vector<float>(field.size())},
          around_(workers.count(), Around(z.class_of.size())) {
        for (const Label label : z.of) state_.founded[label] = 1;
    }

    void run(const Deadline& deadline) {
        find_bounds();
        bool any = field_.num_stretches() > 1;
        for (int round = 0; any && round < rounds_side_by_side && !deadline.passed(); ++round)
            any = run_side_by_side(deadline);
        Moves(field_, splittable_, cheapest_, state_, {0, field_.size()}, around_[0]).run(deadline);
    }

  private:
    void find_bounds() {
        workers_.run(field_.num_strips(), [&](std::size_t s, std::size_t) {
            const Stretch strip = field_.strip(s);
            for (std::size_t i = strip.first; i < strip.end; ++i)
                state_.bounds[i] = field_.node_cost(i, state_.z.class_at(i)) - cheapest_.cost(i);
            field_.add_bounds(strip, state_.z.of, state_.bounds);
            for (std::size_t i = strip.first; i < strip.end; ++i) state_.active[i] = state_.bounds[i] > 0;
        });
    }

    // All stretches at once; whether anything is left to be looked at.
    bool run_side_by_side(const Deadline& deadline) {
        state_.before = state_.z.of;
        const std::size_t count = field_.num_stretches();
        std::vector<double> gain(count, 0);
        workers_.run(count, [&](std::size_t s, std::size_t worker) {
            Moves moves(field_, splittable_, cheapest_, state_, field_.stretch(s), around_[worker]);
            moves.run(deadline);
            gain[s] = moves.gain();
        });
        std::vector<std::vector<News>> news(count * count); // from one stretch to another
        workers_.run(count, [&](std::size_t s, std::size_t) {
            gain[s] -= gather_news(s, std::span(news).subspan(s * count, count));
        });
        double total = 0;
        for (const double g : gain) total += g;
        if (total < 0) { // they got into each other's way
            state_.z.of = state_.before;
            find_bounds();
            return false;
        }
        std::vector<std::uint8_t> any(count, 0);
        workers_.run(count, [&](std::size_t t, std::size_t) {
            for (std::size_t s = 0; s < count; ++s)
                for (const auto& [node, left, target, cost] : news[s * count + t])
                    any[t] |= Moves::raise_bound(state_, node, left, target, cost);
        });
        return std::find(any.begin(), any.end(), 1) != any.end();
    }

    struct News { // a neighbour of `node` in another stretch went from label `left` to `target`
        std::size_t node;
        Label left, target;
        float cost;
    };

    // What stretch s has to tell the others, and half of what its edges to them cost more than both sides
    // thought.
    double gather_news(std::size_t s, std::span<std::vector<News>> news) const {
        const Stretch stretch = field_.stretch(s);
        const std::vector<Label>&was = state_.before, &is = state_.z.of;
        double surprise = 0;
        for (std::size_t i = stretch.first; i < stretch.end; ++i) {
            if (is[i] == was[i]) continue;
            field_.for_neighbours(i, [&](std::size_t j, float cost) {
                if (stretch.holds(j)) return;
                news[field_.stretch_of(j)].push_back({j, was[i], is[i], cost});
                if (is[j] == was[j]) return;
                const int apart =
                    (is[i] != is[j]) + (was[i] != was[j]) - (is[i] != was[j]) - (was[i] != is[j]);
                surprise += 0.5 * static_cast<double>(cost) * apart;
            });
        }
        return surprise;
    }

    const Field& field_;
    const Splittable& splittable_;
    const CheapestClasses& cheapest_;
    Workers& workers_;
    State state_;
    std::vector<Around> around_; // one a worker
};

} // namespace

void move_locally(const Grid& grid, const Splittable& splittable, const CheapestClasses& cheapest, Labels& z,
                  const Deadline& deadline, Workers& workers) {
    const GridField field(grid);
    LocalMoves(field, splittable, cheapest, z, workers).run(deadline);
}

void move_locally(const Graph& graph, const Splittable& splittable, const CheapestClasses& cheapest,
                  Labels& z, const Deadline& deadline, Workers& workers) {
    const GraphField field(graph);
    LocalMoves(field, splittable, cheapest, z, workers).run(deadline);
}

void move_locally(const Graph& graph, const Splittable& splittable, const CheapestClasses& cheapest,
                  Labels& z, const Deadline& deadline) {
    Workers alone;
    move_locally(graph, splittable, cheapest, z, deadline, alone);
}

} // namespace intarsia::cut
