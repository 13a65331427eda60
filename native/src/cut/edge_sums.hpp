// Edges between coarse nodes, summed up from many small contributions.
#pragma once

#include "graph.hpp"
#include "pair_table.hpp"

namespace intarsia::cut {

class EdgeSums {
  public:
    // i and j differ.
    void add(Node i, Node j, double cost) {
        if (sums_.size() == capacity_) grow();
        const auto fresh = static_cast<std::int32_t>(sums_.size());
        const std::int32_t e = table_.find_or_insert(i, j, fresh);
        if (e == fresh) {
            ends_.insert(ends_.end(), {i, j});
            sums_.push_back(0);
        }
        sums_[static_cast<std::size_t>(e)] += cost;
    }

    void add(const EdgeSums& other) {
        for (std::size_t e = 0; e < other.sums_.size(); ++e) add(other.ends_[2 * e], other.ends_[2 * e + 1], other.sums_[e]);
    }

    // The graph with these edges; node_costs holds num_nodes rows.
    Graph to_graph(Node num_nodes, Class num_classes, std::span<const double> node_costs) const {
        std::vector<float> costs(node_costs.begin(), node_costs.end());
        const std::vector<float> edge_costs(sums_.begin(), sums_.end());
        Graph graph = make_graph(num_nodes, num_classes, costs, ends_, edge_costs);
        graph.own_costs = std::move(costs);
        graph.node_costs = graph.own_costs;
        return graph;
    }

  private:
    void grow() {
        capacity_ *= 4;
        table_ = PairTable(capacity_);
        for (std::size_t e = 0; e < sums_.size(); ++e)
            table_.find_or_insert(ends_[2 * e], ends_[2 * e + 1], static_cast<std::int32_t>(e));
    }

    std::size_t capacity_ = 1024;
    PairTable table_{capacity_};
    std::vector<Node> ends_;
    std::vector<double> sums_;
};

} // namespace intarsia::cut
