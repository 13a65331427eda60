#include "aggregate.hpp"

#include "blocks.hpp"
#include "graph.hpp"
#include "narrow.hpp"

#include <algorithm>

namespace intarsia::cut {
namespace {

constexpr std::int32_t most_blocks = 16, block_parts = 64; // blocks of parts are summed up side by side

// The nodes of each part, one after the other.
struct Members {
    std::vector<Node> nodes, first;
    std::vector<std::uint8_t> late; // of a node: some node before it is of a higher part

    Members(std::span<const std::int32_t> part_of, std::int32_t num_parts)
        : nodes(part_of.size()), first(num_parts + 2, 0), late(part_of.size()) {
        for (const std::int32_t part : part_of) ++first[part + 2];
        for (std::size_t part = 2; part < first.size(); ++part) first[part] += first[part - 1];
        std::int32_t highest = 0;
        for (std::size_t i = 0; i < part_of.size(); ++i) {
            nodes[first[part_of[i] + 1]++] = narrow<Node>(i);
            highest = std::max(highest, part_of[i]);
            late[i] = part_of[i] < highest;
        }
    }
    std::int32_t num_parts() const { return narrow<std::int32_t>(first.size() - 2); }
    std::span<const Node> of(std::int32_t part) const {
        return std::span(nodes).subspan(first[part], first[part + 1] - first[part]);
    }
};

// What one worker needs to add up the edges of one part after the other.
class alignas(far_apart) Sums {
  public:
    explicit Sums(std::int32_t num_parts) : sum_(num_parts, 0), seen_(num_parts, 0), parts_(num_parts + 1) {}

    void add(std::int32_t part, double cost) { // no branch: whether a part is new cannot be foretold
        parts_[count_] = part;
        count_ += !seen_[part];
        seen_[part] = 1;
        sum_[part] += cost;
    }
    void move_to(PartEdges& edges, std::int32_t part) {
        for (std::size_t s = 0; s < count_; ++s) {
            const std::int32_t other = parts_[s];
            edges.ends.push_back(part);
            edges.ends.push_back(other);
            edges.costs.push_back(static_cast<float>(sum_[other]));
            sum_[other] = 0;
            seen_[other] = 0;
        }
        count_ = 0;
    }

  private:
    std::vector<double> sum_;
    std::vector<std::uint8_t> seen_;
    std::vector<std::int32_t> parts_; // the first of them are seen, and there is room for one more
    std::size_t count_ = 0;
};

// Parts in blocks that are summed up side by side.
Blocks blocks_of(std::int32_t num_parts) {
    return {num_parts, std::clamp(num_parts / block_parts, 1, most_blocks)};
}

std::vector<PartEdges> edges_between(const Graph& graph, std::span<const std::int32_t> part_of,
                                     const Members& members, Workers& workers) {
    const Blocks blocks = blocks_of(members.num_parts());
    std::vector<PartEdges> edges(blocks.count);
    std::vector<Sums> scratch(workers.count(), Sums(members.num_parts()));
    workers.run(edges.size(), [&](std::size_t b, std::size_t worker) {
        Sums& sums = scratch[worker];
        for (std::int32_t part = blocks.first(b); part < blocks.first(b + 1); ++part) {
            for (const Node i : members.of(part)) // lower neighbours of most nodes are in lower parts
                for (const auto& [j, cost] :
                     members.late[i] ? graph.neighbours_of(i) : graph.higher_neighbours_of(i))
                    if (const std::int32_t other = part_of[j]; other > part) sums.add(other, cost);
            sums.move_to(edges[b], part);
        }
    });
    return edges;
}

std::vector<float> node_costs_of_parts(const Graph& graph, const Members& members, Workers& workers) {
    const std::size_t num_classes = graph.num_classes;
    const Blocks blocks = blocks_of(members.num_parts());
    std::vector<float> rows(members.num_parts() * num_classes);
    workers.run(blocks.count, [&](std::size_t b, std::size_t) {
        std::vector<double> sums(num_classes);
        for (std::int32_t part = blocks.first(b); part < blocks.first(b + 1); ++part) {
            std::fill(sums.begin(), sums.end(), 0.0);
            for (const Node i : members.of(part)) {
                const float* costs = graph.costs_of(i).data();
                for (std::size_t k = 0; k < num_classes; ++k) sums[k] += costs[k];
            }
            std::copy(sums.begin(), sums.end(), rows.begin() + part * num_classes);
        }
    });
    return rows;
}

PartEdges joined(std::vector<PartEdges>& blocks) {
    std::size_t count = 0;
    for (const PartEdges& block : blocks) count += block.costs.size();
    PartEdges all;
    all.ends.reserve(2 * count);
    all.costs.reserve(count);
    for (PartEdges& kept : blocks) {
        const PartEdges block = std::move(kept);
        all.ends.insert(all.ends.end(), block.ends.begin(), block.ends.end());
        all.costs.insert(all.costs.end(), block.costs.begin(), block.costs.end());
    }
    return all;
}

} // namespace

std::vector<PartEdges> edges_between(const Graph& graph, std::span<const std::int32_t> part_of,
                                     std::int32_t num_parts, Workers& workers) {
    return edges_between(graph, part_of, Members(part_of, num_parts), workers);
}

std::vector<float> node_costs_of_parts(const Graph& graph, std::span<const std::int32_t> part_of,
                                       std::int32_t num_parts, Workers& workers) {
    return node_costs_of_parts(graph, Members(part_of, num_parts), workers);
}

Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts) {
    Workers alone;
    return aggregate(graph, part_of, num_parts, alone);
}

Graph aggregate(const Graph& graph, std::span<const std::int32_t> part_of, std::int32_t num_parts,
                Workers& workers) {
    const Members members(part_of, num_parts);
    std::vector<PartEdges> blocks = edges_between(graph, part_of, members, workers);
    const PartEdges edges = joined(blocks);
    Graph coarse = make_graph(num_parts, graph.num_classes, {}, edges.ends, edges.costs, workers);
    coarse.own(node_costs_of_parts(graph, members, workers));
    return coarse;
}

} // namespace intarsia::cut
