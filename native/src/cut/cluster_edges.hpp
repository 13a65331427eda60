// The edges between clusters that are being merged, 32 bytes each. An edge hangs in a list at both of its
// ends.
#pragma once

#include "narrow.hpp"
#include "pair_table.hpp"
#include "problem.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace intarsia::cut {

using EdgeId = std::int32_t;

constexpr double never = -std::numeric_limits<double>::infinity(); // the similarity of what is not merged

// One end of edge h / 2; the other is h ^ 1.
using HalfId = std::uint32_t;

struct Edge {
    struct Half {
        Node node;
        HalfId next; // in the list of the node
    };
    std::array<Half, 2> half;
    double cost;       // c_E(ij), parallel edges added up
    double similarity; // t(ij) as queued; under full refresh an upper bound of it

    Node i() const { return half[0].node; }
    Node j() const { return half[1].node; }
    bool retired() const { return i() == j(); } // within a cluster, or added to a parallel edge
};

// Parallel edges are found by reading the shorter of two lists. Between hubs, clusters of many edges, that
// would take too long: a table holds those pairs, which are few in an image.
class ClusterEdges {
  public:
    ClusterEdges(Node num_nodes, std::size_t most_edges)
        : first_(num_nodes, none), degree_(num_nodes, 0), is_hub_(num_nodes, 0),
          table_(most_edges / table_share) {
        edges_.reserve(most_edges);
    }

    Edge& operator[](EdgeId e) { return edges_[e]; }
    const Edge& operator[](EdgeId e) const { return edges_[e]; }
    EdgeId size() const { return narrow<EdgeId>(edges_.size()); }

    // How many edges hang at a node, some of them retired.
    std::size_t degree(Node i) const { return degree_[i]; }

    // The edge between i and j, new if there is none yet.
    EdgeId find_or_add(Node i, Node j) {
        const EdgeId fresh = size(), e = find_or_insert(i, j, fresh);
        if (e != fresh) return e;
        edges_.push_back({{{{i, none}, {j, none}}}, 0, never});
        for (const HalfId h : {half_of(e, 0), half_of(e, 1)}) hang(h, half(h).node);
        return e;
    }

    // Hang all edges of `from` at `to` instead, parallel ones added up and those between the two retired;
    // visit(e) for every edge that is another now.
    template <class Visit> void move_all(Node from, Node to, const Visit& visit) {
        degree_[from] = 0;
        for (HalfId h = std::exchange(first_[from], none), next; h != none; h = next) {
            next = half(h).next;
            if (const EdgeId e = move(h, to); e >= 0) visit(e);
        }
    }

    // visit(e) for every edge of i; takes retired ones off the list.
    template <class Visit> void for_edges(Node i, const Visit& visit) {
        degree_[i] = 0;
        for (HalfId* at = &first_[i]; *at != none;) {
            const EdgeId e = edge_of(*at);
            if (edges_[e].retired()) {
                *at = half(*at).next;
                continue;
            }
            ++degree_[i];
            visit(e);
            at = &half(*at).next;
        }
    }

    void retire(EdgeId e) {
        edges_[e].half[0].node = edges_[e].half[1].node;
        edges_[e].similarity = never; // what is queued of it is no longer true
    }

  private:
    static constexpr HalfId none = std::numeric_limits<HalfId>::max();
    static constexpr std::uint32_t few = 32;       // edges; a node of more is a hub
    static constexpr std::size_t table_share = 32; // the table begins with room for one edge in so many

    static HalfId half_of(EdgeId e, HalfId side) { return 2 * static_cast<HalfId>(e) + side; }
    static EdgeId edge_of(HalfId h) { return narrow<EdgeId>(h / 2); }
    Edge::Half& half(HalfId h) { return edges_[edge_of(h)].half[h & 1]; }

    void hang(HalfId h, Node i) {
        half(h) = {i, first_[i]};
        first_[i] = h;
        if (++degree_[i] > few && !is_hub_[i]) make_hub(i);
    }

    // The edge that h became, or -1 if it is within `to` now.
    EdgeId move(HalfId h, Node to) {
        const EdgeId f = edge_of(h);
        if (edges_[f].retired()) return -1;
        const Node other = half(h ^ 1).node;
        const EdgeId e = other == to ? -1 : find_or_insert(to, other, f);
        if (e == f) {
            hang(h, to);
            return f;
        }
        if (e >= 0) edges_[e].cost += edges_[f].cost;
        retire(f);
        return e;
    }

    // The edge between i and j, or `fallback`, which becomes it, if there is none.
    EdgeId find_or_insert(Node i, Node j, EdgeId fallback) {
        if (is_hub_[i] && is_hub_[j]) return find_or_insert_hubs(i, j, fallback);
        if (is_hub_[i] || (!is_hub_[j] && degree_[j] < degree_[i])) std::swap(i, j);
        for (HalfId h = first_[i]; h != none; h = half(h).next)
            if (half(h ^ 1).node == j && half(h).node == i) return edge_of(h);
        return fallback;
    }

    void make_hub(Node i) {
        is_hub_[i] = 1;
        for (HalfId h = first_[i]; h != none; h = half(h).next)
            if (const Edge& edge = edges_[edge_of(h)]; between_hubs(edge))
                find_or_insert_hubs(edge.i(), edge.j(), edge_of(h));
    }

    bool between_hubs(const Edge& edge) const {
        return !edge.retired() && is_hub_[edge.i()] && is_hub_[edge.j()];
    }

    EdgeId find_or_insert_hubs(Node i, Node j, EdgeId fallback) {
        if (table_.crowded()) rebuild_table();
        return table_.find_or_insert(i, j, fallback);
    }

    // Without the pairs of clusters that are gone, and with room for as many again.
    void rebuild_table() {
        const std::size_t count = std::count_if(edges_.begin(), edges_.end(),
                                                [this](const Edge& edge) { return between_hubs(edge); });
        table_ = PairTable(std::max(2 * count, edges_.capacity() / table_share));
        for (EdgeId e = 0; e < size(); ++e)
            if (const Edge& edge = edges_[e]; between_hubs(edge))
                table_.find_or_insert(edge.i(), edge.j(), e);
    }

    std::vector<Edge> edges_;
    std::vector<HalfId> first_;
    std::vector<std::uint32_t> degree_;
    std::vector<std::uint8_t> is_hub_;
    PairTable table_;
};

} // namespace intarsia::cut
