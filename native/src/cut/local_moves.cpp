#include "local_moves.hpp"

#include "vectorised.hpp"
#include "workers.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace intarsia::cut {
namespace {

constexpr float tolerance = 1e-6f; // gains below this part of the costs involved are rounding

INTARSIA_VECTORISED
void add_bound(const Label* __restrict own, const Label* __restrict other, const float* __restrict costs, std::int32_t count,
               float* __restrict bound) {
    for (std::int32_t i = 0; i < count; ++i) {
        const float apart = costs[i] > 0 ? costs[i] : 0;
        bound[i] += own[i] == other[i] ? -costs[i] : apart;
    }
}

// What local moving asks of a grid, and below of a graph.
class GridField {
  public:
    GridField(const Grid& grid, int threads) : grid_(grid), threads_(threads) {
        for (std::size_t o = 0; o < grid.offsets.size(); ++o) steps_.push_back({grid.offsets[o].rows, grid.offsets[o].cols, grid.step(o), grid.edge_row(o, 0)});
    }
    std::size_t size() const { return grid_.num_pixels(); }
    Class num_classes() const { return grid_.num_classes; }
    float node_cost(std::size_t p, Class k) const { return grid_.node_cost(static_cast<Node>(p), k); }

    // visit(q, c_E(pq)) for every neighbour q of p.
    template <class Visit> void for_neighbours(std::size_t pixel, Visit visit) const {
        const auto p = static_cast<Node>(pixel);
        const std::int32_t row = p / grid_.width, col = p - row * grid_.width;
        for (const auto& [rows, cols, step, costs] : steps_) {
            if (inside(row + rows, grid_.height) && inside(col + cols, grid_.width)) visit(static_cast<std::size_t>(p + step), costs[p]);
            if (inside(row - rows, grid_.height) && inside(col - cols, grid_.width)) visit(static_cast<std::size_t>(p - step), costs[p - step]);
        }
    }

    // Add the edges' part of the first bounds.
    void add_bounds(const std::vector<Label>& z, std::vector<float>& bounds) const {
        run_pieces(threads_, static_cast<std::size_t>(grid_.height), [&](std::size_t piece) {
            const auto row = static_cast<std::int32_t>(piece);
            for (std::size_t o = 0; o < grid_.offsets.size(); ++o) {
                const auto [rows, cols, step, costs] = steps_[o];
                const std::int32_t first = grid_.first_col(o), count = grid_.end_col(o) - first, at = row * grid_.width + first;
                const Label* own = z.data() + at;
                if (inside(row + rows, grid_.height)) add_bound(own, own + step, costs + at, count, &bounds[static_cast<std::size_t>(at)]);
                if (inside(row - rows, grid_.height)) // second pixels of their pairs
                    add_bound(own + cols, own + cols - step, costs + at + cols - step, count, &bounds[static_cast<std::size_t>(at + cols)]);
            }
        });
    }

  private:
    struct Step {
        std::int32_t rows, cols, step;
        const float* costs;
    };
    static bool inside(std::int32_t i, std::int32_t size) { return static_cast<std::uint32_t>(i) < static_cast<std::uint32_t>(size); }

    const Grid& grid_;
    const int threads_;
    std::vector<Step> steps_;
};

class GraphField {
  public:
    explicit GraphField(const Graph& graph) : graph_(graph) {}
    std::size_t size() const { return static_cast<std::size_t>(graph_.num_nodes); }
    Class num_classes() const { return graph_.num_classes; }
    float node_cost(std::size_t i, Class k) const { return graph_.costs_of(static_cast<Node>(i))[static_cast<std::size_t>(k)]; }

    template <class Visit> void for_neighbours(std::size_t i, Visit visit) const {
        for (const auto& [j, cost] : graph_.neighbours_of(static_cast<Node>(i))) visit(static_cast<std::size_t>(j), cost);
    }
    void add_bounds(const std::vector<Label>& z, std::vector<float>& bounds) const {
        for (std::size_t i = 0; i < size(); ++i)
            for_neighbours(i, [&](std::size_t j, float cost) { bounds[i] += z[i] == z[j] ? -cost : std::max(cost, 0.0f); });
    }

  private:
    const Graph& graph_;
};

template <class Field> class LocalMoves {
  public:
    LocalMoves(const Field& field, const CheapestClasses& cheapest, Labels& z)
        : field_(field), cheapest_(cheapest), z_(z), active_(field.size() + 8, 0), founded_(z.class_of.size(), 0),
          slot_(z.class_of.size(), -1), bounds_(field.size()) {}

    MoveCounts run(const Deadline& deadline) {
        for (const Label label : z_.of) founded_[static_cast<std::size_t>(label)] = 1;
        for (std::size_t i = 0; i < bounds_.size(); ++i) bounds_[i] = own_cost(i) - cheapest_.cost(i);
        field_.add_bounds(z_.of, bounds_);
        for (std::size_t i = 0; i < bounds_.size(); ++i) active_[i] = bounds_[i] > 0;
        any_ = true;
        while (any_ && !deadline.passed()) {
            any_ = false;
            run_sweep(deadline);
        }
        return counts_;
    }

  private:
    void run_sweep(const Deadline& deadline) {
        for (std::size_t i = 0; i < bounds_.size();) {
            std::uint64_t eight;
            std::memcpy(&eight, &active_[i], 8);
            if (eight == 0) {
                i += 8;
                continue;
            }
            if (active_[i]) {
                active_[i] = 0;
                consider(i);
                if ((counts_.looked_at & 1023) == 0 && deadline.passed()) return;
            }
            ++i;
        }
    }

    void consider(std::size_t i) {
        ++counts_.looked_at;
        const Label own = z_.of[i];
        collect(own, 0);
        field_.for_neighbours(i, [&](std::size_t j, float cost) { collect(z_.of[j], cost); });
        const float stay = sums_[0] - own_cost(i), least = cheapest_.cost(i);
        float best = -std::numeric_limits<float>::infinity();
        Label target = own;
        const auto offer = [&](float value, Label label) {
            if (value > best && label != own) best = value, target = label;
        };
        for (std::size_t a = 1; a < around_.size(); ++a)
            if (sums_[a] - least > best) offer(sums_[a] - field_.node_cost(i, z_.class_of[at(around_[a])]), around_[a]);
        if (slot_[at(cheapest_.stuff[i])] < 0) offer(-cheapest_.stuff_cost[i], cheapest_.stuff[i]);
        const Label fresh = field_.num_classes() + static_cast<Label>(i);
        if (!founded_[at(fresh)]) offer(-cheapest_.thing_cost[i], fresh);
        for (const Label label : around_) slot_[at(label)] = -1;
        around_.clear();
        sums_.clear();
        bounds_[i] = best - stay;
        if (best - stay > tolerance * (std::abs(best) + std::abs(stay))) move(i, target);
    }

    void collect(Label label, float cost) {
        std::int32_t& slot = slot_[at(label)];
        if (slot < 0) {
            slot = static_cast<std::int32_t>(around_.size());
            around_.push_back(label);
            sums_.push_back(cost);
        } else {
            sums_[at(slot)] += cost;
        }
    }

    void move(std::size_t i, Label target) {
        ++counts_.moved;
        if (!founded_[at(target)]) {
            founded_[at(target)] = 1;
            if (target >= field_.num_classes()) z_.class_of[at(target)] = cheapest_.thing[i];
        }
        const Label left = std::exchange(z_.of[i], target);
        bounds_[i] = 0;
        field_.for_neighbours(i, [&](std::size_t j, float cost) {
            const Label z = z_.of[j];
            const float loss = z == left ? cost : -cost; // what staying is worth less than before, if z is one of the two
            bounds_[j] += z == left || z == target ? loss + std::max(loss, 0.0f) : std::abs(cost);
            if (bounds_[j] > 0) active_[j] = 1, any_ = true;
        });
    }

    static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
    float own_cost(std::size_t i) const { return field_.node_cost(i, z_.class_at(i)); }

    const Field& field_;
    const CheapestClasses& cheapest_;
    Labels& z_;
    std::vector<std::uint8_t> active_;  // to be looked at; eight more, so that a word can be read anywhere
    std::vector<std::uint8_t> founded_; // this label is or was in use
    std::vector<std::int32_t> slot_;    // of a label in around_, -1 if it is not there
    std::vector<Label> around_;         // the labels around the node under consideration, its own first
    std::vector<float> sums_;           // and how much they attract it
    std::vector<float> bounds_;
    bool any_ = false;
    MoveCounts counts_;
};

} // namespace

MoveCounts move_locally(const Grid& grid, const CheapestClasses& cheapest, Labels& z, const Deadline& deadline, int threads) {
    const GridField field(grid, threads);
    return LocalMoves(field, cheapest, z).run(deadline);
}

MoveCounts move_locally(const Graph& graph, const CheapestClasses& cheapest, Labels& z, const Deadline& deadline) {
    const GraphField field(graph);
    return LocalMoves(field, cheapest, z).run(deadline);
}

} // namespace intarsia::cut
