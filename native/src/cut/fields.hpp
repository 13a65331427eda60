// What local moving asks of a problem: its nodes, who is joined with whom, and which stretches of nodes may
// be worked on side by side. The same for an image, whose edges are found by arithmetic, and for a graph,
// which lists them.
#pragma once

#include "grid.hpp"
#include "narrow.hpp"
#include "problem.hpp"

#include <algorithm>

namespace intarsia::cut {

// Nodes [first, end).
struct Stretch {
    std::size_t first, end;
    std::size_t size() const { return end - first; }
    bool holds(std::size_t i) const { return i - first < size(); }
};

class GridField {
  public:
    explicit GridField(const Grid& grid);

    std::size_t size() const { return grid_.num_pixels(); }
    Class num_classes() const { return grid_.num_classes; }
    float node_cost(std::size_t p, Class k) const { return grid_.node_cost(narrow<Node>(p), k); }

    // Stretches of whole lines. They depend on the grid alone, so that the answer does not depend on the
    // threads.
    std::size_t num_stretches() const { return num_stretches_; }
    Stretch stretch(std::size_t s) const { return {first_line(s) * width(), first_line(s + 1) * width()}; }
    std::size_t stretch_of(std::size_t p) const;

    // The same nodes in strips, which are shorter, for what needs no labels but the present ones.
    std::size_t num_strips() const { return (num_lines() + strip_lines_ - 1) / strip_lines_; }
    Stretch strip(std::size_t s) const {
        return {s * strip_lines_ * width(), std::min((s + 1) * strip_lines_ * width(), size())};
    }

    // visit(q, c_E(pq)) for every neighbour q of p.
    template <class Visit> void for_neighbours(std::size_t pixel, const Visit& visit) const {
        const auto p = narrow<Node>(pixel);
        const auto [plane, row, col] = grid_.place_of(p);
        for (const auto& [offset, step, costs] : steps_) {
            const auto& [planes, rows, cols] = offset;
            if (grid_.holds(plane + planes, row + rows, col + cols)) visit(p + step, costs[p]);
            if (grid_.holds(plane - planes, row - rows, col - cols)) visit(p - step, costs[p - step]);
        }
    }

    // bounds[i] += sum_{z_j != z_i} max(c_E(ij), 0) - sum_{z_j = z_i} c_E(ij), for the nodes i of a strip.
    void add_bounds(Stretch strip, std::span<const std::int32_t> z, std::span<float> bounds) const;

  private:
    struct Step {
        Offset offset;
        std::int32_t step;
        const float* costs;
    };
    std::size_t width() const { return grid_.width; }
    std::size_t num_lines() const { return grid_.num_lines(); }
    std::size_t first_line(std::size_t s) const { return num_lines() * s / num_stretches_; }

    const Grid& grid_;
    std::size_t num_stretches_, strip_lines_;
    std::vector<Step> steps_;
};

class GraphField {
  public:
    explicit GraphField(const Graph& graph) : graph_(graph) {}

    std::size_t size() const { return graph_.num_nodes; }
    Class num_classes() const { return graph_.num_classes; }
    float node_cost(std::size_t i, Class k) const { return graph_.costs_of(narrow<Node>(i))[k]; }

    std::size_t num_stretches() const { return 1; } // nodes that are numbered alike need not be neighbours
    Stretch stretch(std::size_t) const { return {0, size()}; }
    std::size_t stretch_of(std::size_t) const { return 0; }
    std::size_t num_strips() const { return (size() + strip_nodes - 1) / strip_nodes; }
    Stretch strip(std::size_t s) const { return {s * strip_nodes, std::min((s + 1) * strip_nodes, size())}; }

    template <class Visit> void for_neighbours(std::size_t i, Visit visit) const {
        for (const auto& [j, cost] : graph_.neighbours_of(narrow<Node>(i))) visit(j, cost);
    }
    void add_bounds(Stretch strip, std::span<const std::int32_t> z, std::span<float> bounds) const {
        for (std::size_t i = strip.first; i < strip.end; ++i) {
            float sum = 0; // of its own, since a bound in memory might be one of the costs that are read
            for_neighbours(i, [&, own = z[i]](std::size_t j, float cost) {
                sum += own == z[j] ? -cost : std::max(cost, 0.0f);
            });
            bounds[i] += sum;
        }
    }

  private:
    static constexpr std::size_t strip_nodes = 4096;
    const Graph& graph_;
};

} // namespace intarsia::cut
