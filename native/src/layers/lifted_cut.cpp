#include "lifted_cut.hpp"

#include "cut/disjoint_sets.hpp"
#include "cut/fields.hpp"
#include "narrow.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace intarsia::layers {
namespace {

constexpr float tolerance = 1e-6f; // gains below this part of the costs involved are rounding
constexpr int most_rounds = 8, most_sweeps = 64;

class LiftedMoves {
  public:
    LiftedMoves(const Grid& grid, const LiftedLabels& labels, float lambda, std::span<const Label> start)
        : grid_(grid), labels_(labels), lambda_(lambda), field_(grid), z_(start.begin(), start.end()),
          least_(z_.size(), std::numeric_limits<float>::infinity()), favourite_(z_.size(), 0),
          bounds_(z_.size()), active_(z_.size(), 0), slot_(labels.class_of.size(), -1) {}

    std::vector<Label> run() {
        find_favourites();
        find_bounds();
        for (int round = 0; round < most_rounds; ++round) {
            for (int sweep = 0; sweep < most_sweeps && any_; ++sweep) run_sweep();
            if (!move_regions()) break;
        }
        return std::move(z_);
    }

  private:
    float cost(Node p, Label l) const {
        const float class_cost = grid_.node_cost(p, labels_.class_of[l]);
        const std::int32_t plane = labels_.plane_of[l];
        return plane < 0 ? class_cost : class_cost + lambda_ * labels_.gradient[plane * z_.size() + p];
    }

    // The cheapest label of every pixel by c'_V alone.
    void find_favourites() {
        std::vector<bool> seen(grid_.num_classes, false); // unperturbed labels of one class cost the same
        for (Label l = 0; l < labels_.size(); ++l) {
            const Class k = labels_.class_of[l];
            const std::int32_t plane = labels_.plane_of[l];
            if (plane < 0 && seen[k]) continue;
            if (plane < 0) seen[k] = true;
            const float* class_costs = grid_.node_costs.data() + k * z_.size();
            const float* gradient = plane < 0 ? class_costs : labels_.gradient.data() + plane * z_.size();
            offer(l, class_costs, gradient, plane < 0 ? 0 : lambda_);
        }
    }
    void offer(Label label, const float* __restrict class_costs, const float* __restrict gradient,
               float lambda) {
        float* __restrict least = least_.data();
        Label* __restrict favourite = favourite_.data();
        for (std::size_t i = 0; i < z_.size(); ++i) {
            const float value = class_costs[i] + lambda * gradient[i];
            const bool less = value < least[i];
            least[i] = less ? value : least[i];
            favourite[i] = less ? label : favourite[i];
        }
    }

    // What a move of a pixel gains at most:
    //   c'_V(i, z_i) - min_l c'_V(i, l) + sum_{z_j != z_i} max(c_E(ij), 0) - sum_{z_j = z_i} c_E(ij).
    void find_bounds() {
        for (std::size_t i = 0; i < z_.size(); ++i) bounds_[i] = cost(narrow<Node>(i), z_[i]) - least_[i];
        for_edges(grid_, [&](std::size_t edge, Node p, Node q) {
            const float c = grid_.edge_costs[edge], change = z_[p] == z_[q] ? -c : std::max(c, 0.0f);
            bounds_[p] += change;
            bounds_[q] += change;
        });
        for (std::size_t i = 0; i < z_.size(); ++i) any_ |= active_[i] = bounds_[i] > 0;
    }

    void run_sweep() {
        any_ = false;
        for (std::size_t i = 0; i < z_.size(); ++i)
            if (active_[i]) active_[i] = 0, consider(narrow<Node>(i));
    }

    // Give p the label that is cheapest while its neighbours keep theirs.
    void consider(Node p) {
        const Label own = z_[p];
        collect(own, 0);
        field_.for_neighbours(p, [&](Node q, float c) { collect(z_[q], c); });
        const float stay = sums_[0] - cost(p, own), least = least_[p];
        float best = -std::numeric_limits<float>::infinity();
        Label target = own;
        const auto offer = [&](float value, Label label) {
            if (value > best) best = value, target = label;
        };
        for (std::size_t a = 1; a < around_.size(); ++a)
            if (sums_[a] - least > best) offer(sums_[a] - cost(p, around_[a]), around_[a]);
        const bool beside = slot_[favourite_[p]] >= 0;
        if (!beside) offer(-least, favourite_[p]);
        else if (std::max(best, stay) <
                 -least) // the favourite is next to p and repels it: another label may be left
            for (Label l = 0; l < labels_.size(); ++l)
                if (slot_[l] < 0) offer(-cost(p, l), l);
        for (const Label label : around_) slot_[label] = -1;
        around_.clear();
        sums_.clear();
        bounds_[p] =
            (beside ? std::max(best, -least) : best) - stay; // labels that no neighbour has are below -least
        if (best - stay <= tolerance * (std::abs(best) + std::abs(stay))) return;
        bounds_[p] = 0;
        set(p, target);
    }

    void collect(Label label, float c) {
        std::int32_t& slot = slot_[label];
        if (slot < 0) {
            slot = narrow<std::int32_t>(around_.size());
            around_.push_back(label);
            sums_.push_back(c);
        } else {
            sums_[slot] += c;
        }
    }

    void set(Node p, Label target) {
        const Label left = std::exchange(z_[p], target);
        field_.for_neighbours(p, [&](Node q, float c) {
            const Label z = z_[q];
            const float loss =
                z == left ? c : -c; // what staying is worth less than before, if z is one of the two
            bounds_[q] += z == left || z == target ? loss + std::max(loss, 0.0f) : std::abs(c);
            if (bounds_[q] > 0) active_[q] = 1, any_ = true;
        });
    }

    // Connected pixels of one label that share another favourite go there together, where that is cheaper:
    // neighbours that hold each other back one by one.
    bool move_regions() {
        bool moved = false;
        std::vector<std::uint8_t> seen(z_.size(), 0);
        std::vector<std::int32_t> region_of(z_.size(), -1);
        std::vector<Node> region;
        for (std::size_t i = 0; i < z_.size(); ++i) {
            if (seen[i] || z_[i] == favourite_[i]) continue;
            grow(narrow<Node>(i), seen, region_of, region);
            const Label target = favourite_[i];
            if (region.size() < 2 || !gains(region, region_of, target)) continue;
            for (const Node p : region) bounds_[p] = std::numeric_limits<float>::infinity();
            for (const Node p : region) active_[p] = 1, set(p, target);
            any_ = moved = true;
        }
        return moved;
    }

    void grow(Node first, std::vector<std::uint8_t>& seen, std::vector<std::int32_t>& region_of,
              std::vector<Node>& region) const {
        const Label own = z_[first], wanted = favourite_[first];
        region.assign(1, first);
        seen[first] = 1;
        for (std::size_t next = 0; next < region.size(); ++next) {
            region_of[region[next]] = first;
            field_.for_neighbours(region[next], [&](Node q, float) {
                if (seen[q] || z_[q] != own || favourite_[q] != wanted) return;
                seen[q] = 1;
                region.push_back(q);
            });
        }
    }

    bool gains(const std::vector<Node>& region, const std::vector<std::int32_t>& region_of,
               Label target) const {
        const Label own = z_[region[0]];
        double gain = 0, size = 0;
        const auto add = [&](float value) { gain += value, size += std::abs(value); };
        for (const Node p : region) {
            add(cost(p, own) - least_[p]);
            field_.for_neighbours(p, [&](Node q, float c) {
                if (region_of[q] == region[0]) return;
                if (z_[q] == own) add(-c);
                if (z_[q] == target) add(c);
            });
        }
        return gain > tolerance * size;
    }

    const Grid& grid_;
    const LiftedLabels& labels_;
    const float lambda_;
    const cut::GridField field_;
    std::vector<Label> z_;
    std::vector<float> least_;         // min_l c'_V(i, l)
    std::vector<Label> favourite_;     // and where it is
    std::vector<float> bounds_;        // of what a move gains
    std::vector<std::uint8_t> active_; // to be looked at
    std::vector<std::int32_t> slot_;   // of a label in around_, -1 if it is not there
    std::vector<Label> around_;        // the labels around the pixel under consideration, its own first
    std::vector<float> sums_;          // and how much they attract it
    bool any_ = false;
};

} // namespace

std::vector<Label> solve_lifted(const Grid& grid, const LiftedLabels& labels, float lambda,
                                std::span<const Label> start) {
    return LiftedMoves(grid, labels, lambda, start).run();
}

double lifted_cost(const Grid& grid, const LiftedLabels& labels, float lambda, std::span<const Label> z) {
    double total = 0;
    for (std::size_t i = 0; i < z.size(); ++i) {
        const std::int32_t plane = labels.plane_of[z[i]];
        total += grid.node_cost(narrow<Node>(i), labels.class_of[z[i]]);
        if (plane >= 0) total += static_cast<double>(lambda) * labels.gradient[plane * z.size() + i];
    }
    cut::for_edges(grid, [&](std::size_t edge, Node p, Node q) {
        if (z[p] != z[q]) total += grid.edge_costs[edge];
    });
    return total;
}

void add_differences(const Grid& grid, std::span<const Class> class_of, std::span<const Label> start,
                     std::span<const Label> z, std::span<const bool> counts, float weight,
                     const CostGradients& gradients) {
    const auto is_counted = [&](Node p) { return counts.empty() || counts[p]; };
    for (std::size_t i = 0; i < z.size(); ++i) {
        const Class now = class_of[z[i]], before = class_of[start[i]];
        if (now == before || !is_counted(narrow<Node>(i))) continue;
        gradients.nodes[now * z.size() + i] += weight;
        gradients.nodes[before * z.size() + i] -= weight;
    }
    cut::for_edges(grid, [&](std::size_t edge, Node p, Node q) {
        const int change = (z[p] != z[q]) - (start[p] != start[q]);
        if (change != 0 && is_counted(p) && is_counted(q))
            gradients.edges[edge] += static_cast<float>(change) * weight;
    });
}

std::vector<std::int32_t> connected_pieces(const Grid& grid, std::span<const Label> z) {
    cut::DisjointSets sets(z.size());
    cut::for_edges(grid, [&](std::size_t, Node p, Node q) {
        if (z[p] == z[q]) sets.join(p, q);
    });
    std::vector<std::int32_t> pieces;
    sets.number(pieces);
    return pieces;
}

} // namespace intarsia::layers
