// A list of edges with an index by blocks of nodes; the edges stay where they are. To make the lists of
// neighbours of one block, only the few chunks that hold its nodes are read; the lists fit in the nearest
// cache.
#pragma once

#include "blocks.hpp"
#include "workers.hpp"

#include <algorithm>
#include <limits>

namespace intarsia::cut {

// Edges of images and of superpixels are listed in the order of their nodes, so that one end of a chunk of
// them ranges over little. Where they are in no such order there are fewer blocks; what is visited within a
// block, and in which order for each node, is the same for any number of blocks.
class EdgeList {
  public:
    // Two ends an edge, in [0, num_nodes).
    EdgeList(std::span<const Node> ends, Node num_nodes, Workers& workers)
        : ends_(ends), sides_(2 * ((num_edges() + chunk - 1) / chunk)) {
        workers.run(sides_.size() / 2, [&](std::size_t c, std::size_t) {
            for (const std::size_t s : {2 * c, 2 * c + 1}) sides_[s] = side(s);
        });
        blocks_ = {num_nodes, num_blocks(num_nodes, workers.count())};
        sort_sides();
    }

    std::size_t num_blocks() const { return blocks_.count; }

    // visit(i, j, edge) for every end i in block b, j being the other end.
    template <class Visit> void for_ends(std::size_t b, const Visit& visit) const {
        const Node first = blocks_.first(b), end = blocks_.first(b + 1);
        for (std::size_t at = begin_[b]; at < begin_[b + 1]; ++at)
            for_chunk(of_block_[at], [&](Node i, Node j, std::size_t e) {
                if (i >= first && i < end) visit(i, j, e);
            });
    }

  private:
    static constexpr std::size_t chunk = 256, block_ends = 24576; // edges; ends, 192 KiB of lists

    struct Side { // the nodes that one end of the edges of a chunk ranges over
        Node first = std::numeric_limits<Node>::max(), last = 0;
    };

    std::size_t num_edges() const { return ends_.size() / 2; }

    // Side s holds the ends s % 2 of chunk s / 2.
    template <class Visit> void for_chunk(std::size_t s, const Visit& visit) const {
        const Node* ends = ends_.data(); // what is visited cannot change it
        const std::size_t own = s % 2, end = std::min((s / 2 + 1) * chunk, num_edges());
        for (std::size_t e = s / 2 * chunk; e < end; ++e) visit(ends[2 * e + own], ends[2 * e + 1 - own], e);
    }

    Side side(std::size_t s) const {
        Side nodes;
        for_chunk(s, [&](Node i, Node, std::size_t) {
            nodes = {std::min(nodes.first, i), std::max(nodes.last, i)};
        });
        return nodes;
    }

    // So many that their lists stay in the cache, so few that a side lies in two of them on average.
    Node num_blocks(Node num_nodes, std::size_t num_workers) const {
        double width = 1;
        for (const Side& nodes : sides_) width += nodes.last - nodes.first;
        const double most = static_cast<double>(num_nodes) * static_cast<double>(sides_.size()) / width;
        const double wanted = std::min(static_cast<double>(ends_.size() / block_ends), most);
        const double count = std::max(wanted, static_cast<double>(num_workers));
        return static_cast<Node>(std::min(count, static_cast<double>(num_nodes)));
    }

    // The sides that reach into each block, in their order.
    void sort_sides() {
        const auto for_reached = [&](const auto& visit) {
            for (std::size_t s = 0; s < sides_.size(); ++s)
                for (std::size_t b = blocks_.of(sides_[s].first); b <= blocks_.of(sides_[s].last); ++b)
                    visit(s, b);
        };
        begin_.assign(num_blocks() + 2, 0);
        for_reached([&](std::size_t, std::size_t b) { ++begin_[b + 2]; });
        for (std::size_t b = 2; b < begin_.size(); ++b) begin_[b] += begin_[b - 1];
        of_block_.resize(begin_.back());
        for_reached([&](std::size_t s, std::size_t b) { of_block_[begin_[b + 1]++] = s; });
        begin_.pop_back();
    }

    std::span<const Node> ends_;
    std::vector<Side> sides_;
    Blocks blocks_{0};
    std::vector<std::size_t> begin_, of_block_; // sides of block b: of_block_[begin_[b]] to [begin_[b + 1]]
};

} // namespace intarsia::cut
