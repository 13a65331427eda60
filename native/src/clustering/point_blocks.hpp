// Points of an embedding space in blocks of near ones, so that a ball touches few of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

// n points of d dimensions, each active until it is removed. Balls are open: |x - center| < radius.
class PointBlocks {
  public:
    // `columns` holds d rows of n values: dimension by dimension. Points nearer than `reach` to the first
    // of a block join it where possible. Any reach gives the same answers; only the speed differs.
    PointBlocks(std::span<const float> columns, std::size_t dims, float reach);

    struct Sum {
        std::size_t count;
        std::vector<double> values; // one a dimension
    };
    Sum sum_of_active_in_ball(std::span<const float> center, float radius) const;

    // Indices of the points in the ball, active ones or all.
    std::vector<std::uint32_t> in_ball(std::span<const float> center, float radius, bool only_active) const;

    std::vector<float> point(std::size_t index) const;
    bool active(std::size_t index) const;
    void remove(std::size_t index);
    std::size_t num_active() const { return num_active_; }
    std::size_t block_population(std::size_t index) const;

  private:
    struct Block {
        std::size_t begin, active_end, end; // slots
        float radius;                       // of all its points around its center
    };
    void fill(std::span<const float> columns, std::span<const std::uint32_t> block_of_point);
    void measure();
    std::vector<std::uint32_t> blocks_near(std::span<const float> center, float radius) const;
    template <class Visit> void scan(std::size_t block, std::size_t end, std::span<const float> center,
                                     float radius, Visit visit) const;
    const float* column(const Block& block, std::size_t dim) const {
        return values_.data() + block.begin * dims_ + dim * (block.end - block.begin);
    }
    float* column(const Block& block, std::size_t dim) {
        return values_.data() + block.begin * dims_ + dim * (block.end - block.begin);
    }

    std::size_t dims_;
    std::size_t num_active_;
    std::vector<Block> blocks_;
    std::vector<float> centers_; // one row a dimension, one column a block
    std::vector<float> values_;  // by block, then by dimension, then by slot
    std::vector<std::uint32_t> point_of_slot_;
    std::vector<std::uint32_t> slot_of_point_;
    std::vector<std::uint32_t> block_of_point_;
};

} // namespace intarsia
