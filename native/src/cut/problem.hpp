// The problem (COPS paper, eq. 2): minimise  sum_i c_V(i, x_i) + sum_ij c_E(ij) y_ij.
//
// A labelling z gives each node one *panoptic label*; every label belongs to one class. A class outside P
// (not splittable) has exactly one label, a class in P has as many as there are instances. Then y_ij = [z_i
// != z_j] and the cost is a function of z alone, so that any z is feasible: this is what all solvers here
// work on.
#pragma once

#include "narrow.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace intarsia::cut {

using Node = std::int32_t;
using Class = std::int32_t;
using Cluster = std::int32_t;

// P: which classes may be split into several clusters.
struct Splittable {
    std::vector<std::uint8_t> in_p; // one entry a class
    Class size() const { return narrow<Class>(in_p.size()); }
    bool operator[](Class k) const { return in_p[k] != 0; }
};

// The other end of an edge, and what cutting it costs (positive attracts).
struct Neighbour {
    Node node;
    float cost;
    Neighbour() {} // not set to zero: all that room is made for is written
    Neighbour(Node n, float c) : node(n), cost(c) {}
};

// G = (V, E) with both costs. An edge is listed at both of its ends; parallel edges are allowed and add up.
// A node's neighbours of lower number come first, so that half of the lists has every edge once.
struct Graph {
    Node num_nodes = 0;
    Class num_classes = 0;
    std::span<const float> node_costs; // c_V, num_nodes rows of num_classes
    std::vector<std::int64_t> first;   // [first[2i], first[2i + 1]): lower neighbours of i, then higher ones
    std::vector<Neighbour> neighbours;
    std::vector<float> own_costs; // what node_costs shows when nobody else holds them

    void own(std::vector<float>&& costs) {
        own_costs = std::move(costs);
        node_costs = own_costs;
    }
    std::span<const float> costs_of(Node i) const {
        const std::size_t k = num_classes;
        return node_costs.subspan(i * k, k);
    }
    std::span<const Neighbour> neighbours_of(Node i) const { return lists(i, 0, 2); }
    std::span<const Neighbour> lower_neighbours_of(Node i) const { return lists(i, 0, 1); }
    std::span<const Neighbour> higher_neighbours_of(Node i) const { return lists(i, 1, 2); }

  private:
    std::span<const Neighbour> lists(Node i, int from, int to) const {
        const std::int64_t* at = &first[std::size_t{2} * i];
        return {neighbours.data() + at[from], neighbours.data() + at[to]};
    }
};

// A feasible answer: classes x_i, and the connected pieces of each label, numbered 0..C-1 in the order of
// their first node.
struct Cut {
    std::vector<Class> classes;
    std::vector<Cluster> clusters;
    double cost = 0;
};

} // namespace intarsia::cut
