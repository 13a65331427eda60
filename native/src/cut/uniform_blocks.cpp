#include "uniform_blocks.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

namespace intarsia::cut {
namespace {

constexpr std::int32_t sides[] = {8, 4, 2}; // the largest that agrees
constexpr double close = 0.5;               // of the average attraction

class UniformBlocks {
  public:
    explicit UniformBlocks(const Grid& grid) : grid_(grid) {
        for (std::size_t o = 0; o < grid.offsets.size(); ++o)
            if (const auto [planes, rows, cols] = grid.offsets[o];
                planes == 0 && std::abs(rows) + std::abs(cols) == 1)
                (cols != 0 ? across_ : down_).push_back({o, least_cost(o)});
        find_classes();
    }

    // No two points of a block are joined by nothing.
    bool possible() const { return !across_.empty() && !down_.empty(); }

    bool agrees(std::int32_t line, std::int32_t col, std::int32_t side) const {
        const Node first = line * grid_.width + col;
        for (std::int32_t row = 0; row < side; ++row)
            for (Node p = first + row * grid_.width; p < first + row * grid_.width + side; ++p)
                if (class_[p] != class_[first]) return false;
        return all_attract(across_, first, side, side - 1) && all_attract(down_, first, side - 1, side);
    }

    // Names a block, or those of the next size within it.
    void divide(std::int32_t plane, std::int32_t row, std::int32_t col, std::size_t size,
                std::vector<std::int32_t>& ids) const {
        if (size == std::size(sides)) return;
        const std::int32_t side = sides[size], half = side / 2;
        const std::int32_t line = plane * grid_.height + row;
        if (row + side <= grid_.height && col + side <= grid_.width && agrees(line, col, side)) {
            const Node first = line * grid_.width + col;
            for (std::int32_t down = 0; down < side; ++down)
                std::fill_n(ids.begin() + first + down * grid_.width, side, first);
            return;
        }
        for (std::int32_t down = 0; down < side; down += half)
            for (std::int32_t right = 0; right < side; right += half)
                divide(plane, row + down, col + right, size + 1, ids);
    }

  private:
    struct Unit {
        std::size_t offset;
        float least;
    };

    // Half of what edges of this offset attract on average.
    float least_cost(std::size_t o) const {
        double sum = 0;
        std::int64_t count = 0;
        for (std::int32_t line = 0; line < grid_.num_lines(); ++line)
            for (std::int32_t col = grid_.first_col(o); col < grid_.end_col(o) && grid_.has_line(o, line);
                 ++col)
                if (const float cost = grid_.edge_line(o, line)[col]; cost > 0) sum += cost, ++count;
        return count > 0 ? static_cast<float>(close * sum / static_cast<double>(count)) : 0;
    }

    void find_classes() {
        const std::size_t n = grid_.num_pixels();
        std::vector<float> least(grid_.node_costs.begin(), grid_.node_costs.begin() + n);
        class_.assign(n, 0);
        for (Class k = 1; k < grid_.num_classes; ++k)
            for (std::size_t p = 0; p < n; ++p)
                if (const float cost = grid_.node_costs[k * n + p]; cost < least[p])
                    least[p] = cost, class_[p] = k;
    }

    bool all_attract(const std::vector<Unit>& units, Node first, std::int32_t rows, std::int32_t cols) const {
        for (const auto& [o, least] : units) {
            const std::int32_t shift = std::max(0, -grid_.step(o)); // to the end that holds the cost
            const float* costs = grid_.edge_line(o, 0) + first + shift;
            for (std::int32_t row = 0; row < rows; ++row)
                for (std::int32_t col = 0; col < cols; ++col)
                    if (!(costs[row * grid_.width + col] > least)) return false;
        }
        return true;
    }

    const Grid& grid_;
    std::vector<Unit> across_, down_;
    std::vector<Class> class_; // the cheapest of each point
};

} // namespace

std::vector<std::int32_t> find_uniform_blocks(const Grid& grid) {
    std::vector<std::int32_t> ids(grid.num_pixels());
    std::iota(ids.begin(), ids.end(), 0);
    const UniformBlocks blocks(grid);
    if (!blocks.possible()) return ids;
    for (std::int32_t plane = 0; plane < grid.depth; ++plane)
        for (std::int32_t row = 0; row < grid.height; row += sides[0])
            for (std::int32_t col = 0; col < grid.width; col += sides[0])
                blocks.divide(plane, row, col, 0, ids);
    return ids;
}

} // namespace intarsia::cut
