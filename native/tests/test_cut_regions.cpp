#include "check.hpp"
#include "cut/graph.hpp"
#include "cut/regions.hpp"

#include <numeric>
#include <random>

using namespace intarsia::cut;

TEST(regions_are_the_connected_pieces_of_the_labels_on_any_number_of_threads) {
    std::mt19937 random(4);
    for (int trial = 0; trial < 60; ++trial) {
        const auto draw = [&](unsigned end) { return static_cast<std::int32_t>(random() % end); };
        const std::int32_t depth = 1 + trial % 3, height = 1 + draw(70), width = 1 + draw(30);
        const auto size = static_cast<std::size_t>(depth * height * width);
        std::vector<Offset> offsets;
        for (std::int32_t o = draw(4); o > 0; --o)
            offsets.push_back({draw(5) - 2, draw(81) - 40, draw(41) - 20});
        std::erase_if(offsets, [](const Offset& offset) {
            return offset.planes == 0 && offset.rows == 0 && offset.cols == 0;
        });
        if (trial % 2) offsets.push_back({0, 0, trial % 4 == 1 ? 1 : -1}); // with and without runs
        const std::vector<float> node_costs(size, 0), edge_costs(size * offsets.size(), 1);
        const Grid grid{depth, height, width, 1, node_costs, edge_costs, offsets};
        std::vector<Label> z;
        while (z.size() < size) z.insert(z.end(), 1 + random() % 9, draw(3));
        z.resize(size);
        const Partition expected = connected_parts(graph_of(grid), z);
        for (const int threads : {1, 3}) {
            Workers workers(threads);
            const Regions regions = find_regions(grid, z, workers);
            std::vector<std::int32_t> names(static_cast<std::size_t>(regions.count()));
            std::iota(names.begin(), names.end(), 0);
            CHECK(paint(grid, regions, names, workers) == expected.part_of);
            CHECK(regions.first_pixel == first_nodes(expected.part_of, names.size()));
            CHECK(paint(grid, regions, regions.label, workers) == z);
        }
    }
}
