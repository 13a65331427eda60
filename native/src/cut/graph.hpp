// Building a graph from a list of edges, and turning any clustering of it into a feasible cut.
#pragma once

#include "labels.hpp"
#include "workers.hpp"

namespace intarsia::cut {

// The lists of neighbours of a graph in the making. Every edge is counted at both ends, then there is room,
// then it is added at both ends. Workers may do so side by side for different nodes i.
class NeighbourLists {
  public:
    explicit NeighbourLists(Node num_nodes);
    NeighbourLists(const NeighbourLists&) = delete; // it points into its graph

    void count(Node i, Node j) { ++begin_[list_of(i, j)]; } // j is a neighbour of i
    void make_room();
    void add(Node i, Node j, float cost) { neighbours_[begin_[list_of(i, j)]++] = {j, cost}; }

    // The graph, once all edges are added; a view of node_costs.
    Graph graph(Class num_classes, std::span<const float> node_costs) &&;

  private:
    static std::size_t list_of(Node i, Node j) { return std::size_t{2} * i + (j > i); }

    Graph graph_;
    std::int64_t* begin_; // of each list: first how long it is, then where it begins, at last where it ends
    Neighbour* neighbours_ = nullptr;
};

// `ends` holds two nodes an edge, in [0, n) and different. The graph keeps a view of node_costs (n rows).
// What is done by several workers does not depend on their number, here and below.
Graph make_graph(Node num_nodes, Class num_classes, std::span<const float> node_costs,
                 std::span<const Node> ends, std::span<const float> edge_costs, Workers& workers);
Graph make_graph(Node num_nodes, Class num_classes, std::span<const float> node_costs,
                 std::span<const Node> ends, std::span<const float> edge_costs);

// The cut that a clustering stands for: nodes of one class that share a cluster, or whose class may not be
// split, are together wherever an edge joins them. The cost is summed in double from the graph itself.
Cut make_cut(const Graph& graph, const Splittable& splittable, std::span<const Class> classes,
             std::span<const Cluster> clusters);

// The connected pieces of equal ids.
Partition connected_parts(const Graph& graph, std::span<const std::int32_t> ids, Workers& workers);
Partition connected_parts(const Graph& graph, std::span<const std::int32_t> ids);

// Eq. 2 in double: of an answer, and of labels.
double cost_of(const Graph& graph, std::span<const Class> classes, std::span<const Cluster> clusters);
double cost_of(const Graph& graph, const Labels& z, Workers& workers);
double cost_of(const Graph& graph, const Labels& z);

} // namespace intarsia::cut
