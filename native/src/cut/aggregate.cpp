#include "aggregate.hpp"

#include "graph.hpp"
#include "narrow.hpp"

#include <algorithm>

namespace intarsia::cut {
namespace {

constexpr std::int32_t most_blocks = 16, block_parts = 64; // blocks of parts are summed up side by side

// The nodes of each part, one after the other.
struct Members {
    std::vector<Node> nodes, first;

    Members(std::span<const std::int32_t> part_of, std::int32_t num_parts)
        : nodes(part_of.size()), first(num_parts + 2, 0) {
        for (const std::int32_t part : part_of) ++first[part + 2];
        for (std::size_t part = 2; part < first.size(); ++part) first[part] += first[part - 1];
        for (std::size_t i = 0; i < part_of.size(); ++i) nodes[first[part_of[i] + 1]++] = narrow<Node>(i);
    }
    std::span<const Node> of(std::int32_t part) const {
        return std::span(nodes).subspan(first[part], first[part + 1] - first[part]);
    }
};

// Edges from the parts of one block to parts of higher numbers.
struct Edges {
    std::vector<Node> ends;
    std::vector<float> costs;
};

// What one worker needs to add up the edges of one part after the other.
class alignas(far_apart) Sums {
  public:
    explicit Sums(std::int32_t num_parts) : slot_(num_parts, -1) {}

    void add(std::int32_t part, double cost) {
        std::int32_t& slot = slot_[part];
        if (slot < 0) {
            slot = narrow<std::int32_t>(parts_.size());
            parts_.push_back(part);
            sums_.push_back(cost);
        } else {
            sums_[slot] += cost;
        }
    }
    void move_to(Edges& edges, std::int32_t part) {
        for (std::size_t s = 0; s < parts_.size(); ++s) {
            edges.ends.insert(edges.ends.end(), {part, parts_[s]});
            edges.costs.push_back(static_cast<float>(sums_[s]));
            slot_[parts_[s]] = -1;
        }
        parts_.clear();
        sums_.clear();
    }

  private:
    std::vector<std::int32_t> slot_; // of a part in parts_, -1 if it is not there
    std::vector<std::int32_t> parts_;
    std::vector<double> sums_;
};

void add_up_costs(const Graph& graph, std::span<const Node> nodes, std::span<double> sums, float* row) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (const Node i : nodes) {
        const float* costs = graph.costs_of(i).data();
        for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += costs[k];
    }
    for (std::size_t k = 0; k < sums.size(); ++k) row[k] = static_cast<float>(sums[k]);
}

Edges joined(std::vector<Edges>& blocks) {
    Edges all = std::move(blocks[0]);
    for (std::size_t b = 1; b < blocks.size(); ++b) {
        all.ends.insert(all.ends.end(), blocks[b].ends.begin(), blocks[b].ends.end());
        all.costs.insert(all.costs.end(), blocks[b].costs.begin(), blocks[b].costs.end());
    }
    return all;
}

} // namespace

Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts) {
    Workers alone;
    return aggregate(graph, part_of, num_parts, alone);
}

Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts,
                Workers& workers) {
    const Members members(part_of, num_parts);
    const std::size_t num_classes = graph.num_classes;
    std::vector<float> node_costs(num_parts * num_classes);
    std::vector<Edges> edges(std::clamp(num_parts / block_parts, 1, most_blocks));
    std::vector<Sums> scratch(workers.count(), Sums(num_parts));
    const auto first = [&](std::size_t b) { return narrow<std::int32_t>(b * num_parts / edges.size()); };
    workers.run(edges.size(), [&](std::size_t b, std::size_t worker) {
        std::vector<double> sums(num_classes);
        for (std::int32_t part = first(b); part < first(b + 1); ++part) {
            add_up_costs(graph, members.of(part), sums, &node_costs[part * num_classes]);
            for (const Node i : members.of(part))
                for (const auto& [j, cost] : graph.neighbours_of(i))
                    if (const std::int32_t other = part_of[j]; other > part) scratch[worker].add(other, cost);
            scratch[worker].move_to(edges[b], part);
        }
    });
    const Edges all = joined(edges);
    Graph coarse = make_graph(num_parts, graph.num_classes, {}, all.ends, all.costs);
    coarse.own(std::move(node_costs));
    return coarse;
}

} // namespace intarsia::cut
