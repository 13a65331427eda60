#include "metrics/png_overlap.hpp"

#include "png/id_rows.hpp"

#include <utility>

namespace intarsia {
namespace {

// The rows of one map: the last one read and the one before.
class RollingRows {
  public:
    RollingRows(const FilteredRows& rows, std::size_t width)
        : rows_(rows.bytes, width, rows.channels), row_(width, 0), above_(width, 0) {}

    bool next() {
        std::swap(row_, above_);
        return rows_.next(above_, row_);
    }
    std::span<const std::int32_t> row() const { return row_; }

  private:
    IdRows rows_;
    std::vector<std::int32_t> row_;
    std::vector<std::int32_t> above_;
};

} // namespace

std::optional<std::vector<IdPair>> count_png_pairs(const FilteredRows& first, const FilteredRows& second,
                                                   std::size_t height, std::size_t width) {
    RollingRows a(first, width), b(second, width);
    PairCounter counter;
    for (std::size_t y = 0; y < height; ++y) {
        if (!a.next() || !b.next()) return {};
        counter.add(a.row(), b.row());
    }
    return counter.pairs();
}

} // namespace intarsia
