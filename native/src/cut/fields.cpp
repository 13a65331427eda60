#include "fields.hpp"

#include "narrow.hpp"
#include "vectorised.hpp"

namespace intarsia::cut {
namespace {

constexpr std::size_t stretch_pixels = 16384; // at least: smaller ones have more to tell each other
constexpr std::size_t stretch_planes = 4;     // at least, in a volume
constexpr std::size_t most_stretches = 256;   // each keeps a list of news for each other
constexpr std::size_t strip_pixels = 4096, least_strip_lines = 8;

std::size_t stretches_of(const Grid& grid) {
    const std::size_t plane = grid.num_pixels() / grid.depth;
    const std::size_t least =
        grid.depth == 1 ? stretch_pixels : std::max(stretch_pixels, stretch_planes * plane);
    return std::clamp<std::size_t>(grid.num_pixels() / least, 1,
                                   std::min<std::size_t>(grid.num_lines(), most_stretches));
}

INTARSIA_VECTORISED
void add_bound(const std::int32_t* __restrict own, const std::int32_t* __restrict other,
               const float* __restrict costs, std::int32_t count, float* __restrict bound) {
    for (std::int32_t i = 0; i < count; ++i) {
        const float apart = costs[i] > 0 ? costs[i] : 0;
        bound[i] += own[i] == other[i] ? -costs[i] : apart;
    }
}

} // namespace

GridField::GridField(const Grid& grid)
    : grid_(grid), num_stretches_(stretches_of(grid)),
      strip_lines_(std::max<std::size_t>(least_strip_lines, strip_pixels / grid.width)) {
    for (std::size_t o = 0; o < grid.offsets.size(); ++o)
        steps_.push_back({grid.offsets[o], grid.step(o), grid.edge_line(o, 0)});
}

std::size_t GridField::stretch_of(std::size_t p) const {
    std::size_t s = p / width() * num_stretches() / num_lines();
    while (!stretch(s).holds(p)) ++s; // lines that do not divide evenly
    return s;
}

void GridField::add_bounds(Stretch strip, std::span<const std::int32_t> z, std::span<float> bounds) const {
    const auto first_line = narrow<std::int32_t>(strip.first / width());
    const auto end_line = narrow<std::int32_t>(strip.end / width());
    for (std::int32_t line = first_line; line < end_line; ++line)
        for (std::size_t o = 0; o < grid_.offsets.size(); ++o) {
            const auto& [offset, step, costs] = steps_[o];
            const std::int32_t first = grid_.first_col(o), count = grid_.end_col(o) - first,
                               cols = offset.cols;
            const std::int32_t at = line * grid_.width + first;
            if (count == 0) continue;
            const std::int32_t* own = z.data() + at;
            if (grid_.has_line(o, line)) add_bound(own, own + step, costs + at, count, &bounds[at]);
            if (grid_.has_line_back(o, line)) // second points of their pairs
                add_bound(own + cols, own + cols - step, costs + at + cols - step, count, &bounds[at + cols]);
        }
}

} // namespace intarsia::cut
