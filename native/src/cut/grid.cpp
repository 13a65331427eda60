#include "grid.hpp"

#include "graph.hpp"
#include "narrow.hpp"

namespace intarsia::cut {

std::vector<Offset> make_offsets(std::span<const std::int32_t> numbers, std::size_t rank, std::int32_t depth,
                                 std::int32_t height, std::int32_t width) {
    std::vector<Offset> offsets;
    for (std::size_t at = 0; at < numbers.size(); at += rank) {
        const auto clip = [&](std::size_t axis, std::int32_t size) {
            return std::clamp(numbers[at + axis], -size, size);
        };
        offsets.push_back({rank == 3 ? clip(0, depth) : 0, clip(rank - 2, height), clip(rank - 1, width)});
    }
    return offsets;
}

Graph graph_of(const Grid& grid) {
    const std::size_t n = grid.num_pixels(), num_classes = grid.num_classes;
    std::vector<Node> ends;
    std::vector<float> costs;
    for_edges(grid, [&](std::size_t edge, Node p, Node q) {
        ends.insert(ends.end(), {p, q});
        costs.push_back(grid.edge_costs[edge]);
    });
    std::vector<float> node_costs(n * num_classes);
    for (std::size_t k = 0; k < num_classes; ++k)
        for (std::size_t p = 0; p < n; ++p) node_costs[p * num_classes + k] = grid.node_costs[k * n + p];
    Graph graph = make_graph(narrow<Node>(n), grid.num_classes, node_costs, ends, costs);
    graph.own(std::move(node_costs));
    return graph;
}

} // namespace intarsia::cut
