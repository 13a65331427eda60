#include "fields.hpp"

#include "vectorised.hpp"

namespace intarsia::cut {
namespace {

constexpr std::size_t stretch_pixels = 16384; // at least: smaller ones have more to tell each other

INTARSIA_VECTORISED
void add_bound(const std::int32_t* __restrict own, const std::int32_t* __restrict other, const float* __restrict costs,
               std::int32_t count, float* __restrict bound) {
    for (std::int32_t i = 0; i < count; ++i) {
        const float apart = costs[i] > 0 ? costs[i] : 0;
        bound[i] += own[i] == other[i] ? -costs[i] : apart;
    }
}

} // namespace

GridField::GridField(const Grid& grid) : grid_(grid) {
    for (std::size_t o = 0; o < grid.offsets.size(); ++o)
        steps_.push_back({grid.offsets[o].rows, grid.offsets[o].cols, grid.step(o), grid.edge_row(o, 0)});
}

std::size_t GridField::num_stretches() const {
    return std::clamp<std::size_t>(size() / stretch_pixels, 1, static_cast<std::size_t>(grid_.height));
}

std::size_t GridField::stretch_of(std::size_t p) const {
    std::size_t s = p / width() * num_stretches() / static_cast<std::size_t>(grid_.height);
    while (!stretch(s).holds(p)) ++s; // rows that do not divide evenly
    return s;
}

void GridField::add_bounds(Stretch strip, std::span<const std::int32_t> z, std::span<float> bounds) const {
    const auto first_row = static_cast<std::int32_t>(strip.first / width()), end_row = static_cast<std::int32_t>(strip.end / width());
    for (std::int32_t row = first_row; row < end_row; ++row)
        for (std::size_t o = 0; o < grid_.offsets.size(); ++o) {
            const auto [rows, cols, step, costs] = steps_[o];
            const std::int32_t first = grid_.first_col(o), count = grid_.end_col(o) - first, at = row * grid_.width + first;
            const std::int32_t* own = z.data() + at;
            if (inside(row + rows, grid_.height)) add_bound(own, own + step, costs + at, count, &bounds[static_cast<std::size_t>(at)]);
            if (inside(row - rows, grid_.height)) // second pixels of their pairs
                add_bound(own + cols, own + cols - step, costs + at + cols - step, count, &bounds[static_cast<std::size_t>(at + cols)]);
        }
}

} // namespace intarsia::cut
