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

    // Nothing more is added: what finds edges is given back, four fifths of the memory.
    void close() { table_ = PairTable(0); }

    std::span<const Node> ends() const { return ends_; } // two an edge
    std::span<const double> sums() const { return sums_; }

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
};

// The graph with these edges, one table after the other, each given back when it is read; an edge of several
// tables becomes parallel edges. Its node costs are yet to come.
inline Graph graph_of_sums(Node num_nodes, Class num_classes, std::span<EdgeSums> tables) {
    std::size_t count = 0;
    for (const EdgeSums& table : tables) count += table.sums().size();
    std::vector<Node> ends;
    std::vector<float> costs;
    ends.reserve(2 * count);
    costs.reserve(count);
    for (EdgeSums& kept : tables) {
        const EdgeSums table = std::move(kept);
        ends.insert(ends.end(), table.ends().begin(), table.ends().end());
        costs.insert(costs.end(), table.sums().begin(), table.sums().end());
    }
    return make_graph(num_nodes, num_classes, {}, ends, costs);
}

} // namespace intarsia::cut
