// Edges between coarse nodes, summed up from many small contributions.
#pragma once

#include "graph.hpp"
#include "narrow.hpp"
#include "pair_table.hpp"
#include "workers.hpp"

namespace intarsia::cut {

class alignas(far_apart) EdgeSums { // there is one a strip, and strips are worked on side by side
  public:
    // i and j differ.
    void add(Node i, Node j, double cost) {
        if (sums_.size() == capacity_) grow();
        const auto fresh = narrow<std::int32_t>(sums_.size());
        const std::int32_t e = table_.find_or_insert(i, j, fresh);
        if (e == fresh) {
            ends_.insert(ends_.end(), {i, j});
            sums_.push_back(0);
        }
        sums_[e] += cost;
    }

    // Nothing more is added: what finds edges is given back, and what a sum needs that still grows: seven
    // eighths of the memory.
    void close() {
        table_ = PairTable(0);
        costs_.assign(sums_.begin(), sums_.end());
        sums_ = {};
        ends_.shrink_to_fit();
    }

    // visit(i, j, cost) for every edge, once closed.
    template <class Visit> void for_edges(const Visit& visit) const {
        for (std::size_t e = 0; e < costs_.size(); ++e) visit(ends_[2 * e], ends_[2 * e + 1], costs_[e]);
    }

  private:
    void grow() {
        capacity_ *= 4;
        table_ = PairTable(capacity_);
        for (std::size_t e = 0; e < sums_.size(); ++e)
            table_.find_or_insert(ends_[2 * e], ends_[2 * e + 1], narrow<std::int32_t>(e));
    }

    std::size_t capacity_ = 1024;
    PairTable table_{capacity_};
    std::vector<Node> ends_;
    std::vector<double> sums_;
    std::vector<float> costs_; // what became of the sums
};

// The graph with these edges, one table after the other, each given back when it is read: neighbouring tables
// hold neighbouring nodes, so that lists fill up as tables go. An edge of several tables becomes parallel
// edges. Its node costs are yet to come.
inline Graph graph_of_sums(Node num_nodes, Class num_classes, std::span<EdgeSums> tables) {
    NeighbourLists lists(num_nodes);
    for (const EdgeSums& table : tables)
        table.for_edges([&](Node i, Node j, float) { lists.count(i, j), lists.count(j, i); });
    lists.make_room();
    for (EdgeSums& kept : tables) {
        const EdgeSums table = std::move(kept);
        table.for_edges([&](Node i, Node j, float cost) { lists.add(i, j, cost), lists.add(j, i, cost); });
    }
    return std::move(lists).graph(num_classes, {});
}

} // namespace intarsia::cut
