#include "grid.hpp"

#include "graph.hpp"

namespace intarsia::cut {

Graph graph_of(const Grid& grid) {
    const std::size_t n = grid.num_pixels(), num_classes = static_cast<std::size_t>(grid.num_classes);
    std::vector<Node> ends;
    std::vector<float> costs;
    for (std::size_t o = 0; o < grid.offsets.size(); ++o)
        for (std::int32_t row = 0; row < grid.height; ++row) {
            if (!grid.has_row(o, row)) continue;
            for (std::int32_t col = grid.first_col(o); col < grid.end_col(o); ++col) {
                const Node p = row * grid.width + col;
                ends.insert(ends.end(), {p, p + grid.step(o)});
                costs.push_back(grid.edge_row(o, row)[col]);
            }
        }
    std::vector<float> node_costs(n * num_classes);
    for (std::size_t k = 0; k < num_classes; ++k)
        for (std::size_t p = 0; p < n; ++p) node_costs[p * num_classes + k] = grid.node_costs[k * n + p];
    Graph graph = make_graph(static_cast<Node>(n), grid.num_classes, node_costs, ends, costs);
    graph.own(std::move(node_costs));
    return graph;
}

} // namespace intarsia::cut
