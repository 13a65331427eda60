// What the greedy solver works on: the pixels of a grid or the nodes of a graph, their pieces, and the coarse
// graph between pieces. All that differs between images and graphs is here.
#pragma once

#include "aggregate.hpp"
#include "graph.hpp"
#include "local_moves.hpp"
#include "regions.hpp"
#include "small_parts.hpp"
#include "superpixels.hpp"

#include <numeric>

namespace intarsia::cut {

struct GridNodes {
    const Grid& grid;
    const Splittable& splittable;
    Workers& workers;
    std::size_t size() const { return grid.num_pixels(); }
    bool has_parts() const { return true; } // its small pieces are more than single nodes
    Class num_classes() const { return grid.num_classes; }
    Task find_cheapest(CheapestClasses& result) const { return cut::find_cheapest(grid, splittable, result); }
    void move(const CheapestClasses& cheapest, Labels& z, const Deadline& deadline) const {
        move_locally(grid, splittable, cheapest, z, deadline, workers);
    }
    Regions pieces(std::span<const Label> z) const { return find_regions(grid, z, workers); }
    // Small superpixels for multicut: it has no classes by which a wrong one would be told later.
    Regions small_pieces() const {
        return regions_of(grid, find_superpixels(grid, workers, tile_size(grid, num_classes() > 1)), workers);
    }
    Graph coarse(const Regions& regions) const { return coarsen(grid, regions, workers); }
    std::vector<Node> first_of(const Regions& regions) const { return regions.first_pixel; }
    std::vector<std::int32_t> spread(const Regions& regions, std::span<const std::int32_t> values) const {
        return paint(grid, regions, values, workers);
    }
    double cost(const Regions& regions, const Labels& z) const {
        return cost_of(grid, regions, z.class_of, workers);
    }
};

struct GraphPieces {
    Partition parts;
    Graph graph{}; // between the parts, if it is known already
    std::int32_t count() const { return parts.count; }
};

struct GraphNodes {
    const Graph& graph;
    const Splittable& splittable;
    Workers& workers;
    bool by_parts; // or every node is its own part
    std::size_t size() const { return graph.num_nodes; }
    bool has_parts() const { return by_parts; }
    Class num_classes() const { return graph.num_classes; }
    Task find_cheapest(CheapestClasses& result) const {
        return cut::find_cheapest(graph, splittable, result);
    }
    void move(const CheapestClasses& cheapest, Labels& z, const Deadline& deadline) const {
        move_locally(graph, splittable, cheapest, z, deadline, workers);
    }
    GraphPieces pieces(std::span<const Label> z) const { return {connected_parts(graph, z, workers)}; }
    GraphPieces small_pieces() const {
        if (!by_parts) return single_nodes();
        CoarseGraph small = find_small_parts(graph, workers);
        return {std::move(small.parts), std::move(small.graph)};
    }
    GraphPieces single_nodes() const {
        GraphPieces pieces{{std::vector<std::int32_t>(size()), graph.num_nodes}};
        std::iota(pieces.parts.part_of.begin(), pieces.parts.part_of.end(), 0);
        return pieces;
    }
    Graph coarse(GraphPieces& pieces) const {
        if (pieces.graph.num_nodes > 0) return std::move(pieces.graph);
        return aggregate(graph, pieces.parts.part_of, pieces.count(), workers);
    }
    std::vector<Node> first_of(const GraphPieces& pieces) const {
        return first_nodes(pieces.parts.part_of, pieces.count());
    }
    std::vector<std::int32_t> spread(const GraphPieces& pieces, std::span<const std::int32_t> values) const {
        std::vector<std::int32_t> all(size());
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = values[pieces.parts.part_of[i]];
        return all;
    }
    double cost(const GraphPieces&, const Labels& z) const { return cost_of(graph, z, workers); }
};

} // namespace intarsia::cut
