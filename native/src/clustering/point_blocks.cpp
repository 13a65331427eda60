#include "clustering/point_blocks.hpp"

#include "narrow.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace intarsia {
namespace {

constexpr std::size_t kMostBlocks = 256; // more would cost more to look at than they save
constexpr std::size_t kChunk = 256;

// Leaders: the first point of each block; a point joins the leader of the point before it when that is near,
// else the nearest leader, and becomes one itself when that is far.
class Leaders {
  public:
    Leaders(std::size_t dims, float reach) : dims_(dims), reach_(reach * reach), lanes_(dims * kMostBlocks) {}

    std::uint32_t join(std::span<const float> point) {
        if (count_ > 0 && distance(point, last_) < reach_) return last_;
        const auto [nearest, squared] = nearest_to(point);
        last_ = nearest;
        if (count_ < kMostBlocks && !(squared < reach_)) last_ = add(point);
        return last_;
    }

    std::size_t count() const { return count_; }

  private:
    std::uint32_t add(std::span<const float> point) {
        for (std::size_t k = 0; k < dims_; ++k) lanes_[k * kMostBlocks + count_] = point[k];
        return narrow<std::uint32_t>(count_++);
    }

    float distance(std::span<const float> point, std::size_t leader) const {
        float squared = 0.0f;
        for (std::size_t k = 0; k < dims_; ++k) {
            const float step = point[k] - lanes_[k * kMostBlocks + leader];
            squared += step * step;
        }
        return squared;
    }

    std::pair<std::uint32_t, float> nearest_to(std::span<const float> point) const {
        std::array<float, kMostBlocks> squared{};
        for (std::size_t k = 0; k < dims_; ++k) {
            const float* lane = lanes_.data() + k * kMostBlocks;
            for (std::size_t leader = 0; leader < count_; ++leader) {
                const float step = point[k] - lane[leader];
                squared[leader] += step * step;
            }
        }
        if (count_ == 0) return {0, std::numeric_limits<float>::infinity()};
        const auto* least = std::min_element(squared.data(), squared.data() + count_);
        return {narrow<std::uint32_t>(least - squared.data()), *least};
    }

    std::size_t dims_;
    float reach_;
    std::vector<float> lanes_; // one row a dimension
    std::size_t count_ = 0;
    std::uint32_t last_ = 0;
};

} // namespace

PointBlocks::PointBlocks(std::span<const float> columns, std::size_t dims, float reach)
    : dims_(dims), num_active_(dims == 0 ? 0 : columns.size() / dims) {
    std::vector<float> point(dims);
    Leaders leaders(dims, reach);
    block_of_point_.resize(num_active_);
    for (std::size_t i = 0; i < num_active_; ++i) {
        for (std::size_t k = 0; k < dims; ++k) point[k] = columns[k * num_active_ + i];
        block_of_point_[i] = leaders.join(point);
    }
    blocks_.resize(leaders.count());
    fill(columns, block_of_point_);
    measure();
}

void PointBlocks::fill(std::span<const float> columns, std::span<const std::uint32_t> block_of_point) {
    const std::size_t num_points = block_of_point.size();
    for (const std::uint32_t block : block_of_point) ++blocks_[block].end;
    std::size_t begin = 0;
    for (Block& block : blocks_) {
        block.active_end = block.begin = begin;
        block.end = begin += block.end;
    }
    values_.resize(columns.size());
    point_of_slot_.resize(num_points);
    slot_of_point_.resize(num_points);
    for (std::size_t i = 0; i < num_points; ++i) {
        Block& block = blocks_[block_of_point[i]];
        const std::size_t slot = block.active_end++;
        for (std::size_t k = 0; k < dims_; ++k)
            column(block, k)[slot - block.begin] = columns[k * num_points + i];
        point_of_slot_[slot] = narrow<std::uint32_t>(i);
        slot_of_point_[i] = narrow<std::uint32_t>(slot);
    }
}

void PointBlocks::measure() {
    centers_.resize(blocks_.size() * dims_);
    std::vector<double> squared;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        Block& block = blocks_[b];
        const std::size_t size = block.end - block.begin;
        squared.assign(size, 0.0);
        for (std::size_t k = 0; k < dims_; ++k) {
            const float* values = column(block, k);
            double sum = 0.0;
            for (std::size_t j = 0; j < size; ++j) sum += static_cast<double>(values[j]);
            const float center = centers_[k * blocks_.size() + b] =
                static_cast<float>(sum / static_cast<double>(size));
            for (std::size_t j = 0; j < size; ++j) {
                const double step = static_cast<double>(values[j]) - static_cast<double>(center);
                squared[j] += step * step;
            }
        }
        block.radius = static_cast<float>(std::sqrt(*std::ranges::max_element(squared)));
    }
}

// The blocks whose hull meets the ball, and perhaps a few more.
std::vector<std::uint32_t> PointBlocks::blocks_near(std::span<const float> center, float radius) const {
    std::array<float, kMostBlocks> squared{};
    for (std::size_t k = 0; k < dims_; ++k) {
        const float* lane = centers_.data() + k * blocks_.size();
        const float middle = center[k];
        for (std::size_t b = 0; b < blocks_.size(); ++b)
            squared[b] += (lane[b] - middle) * (lane[b] - middle);
    }
    std::vector<std::uint32_t> blocks;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        const float reach = 1.0001f * (radius + blocks_[b].radius);
        if (!(squared[b] > reach * reach)) blocks.push_back(narrow<std::uint32_t>(b));
    }
    return blocks;
}

// Calls visit(slots in the block, number) for chunks of members of the ball, up to slot `end`.
template <class Visit> void PointBlocks::scan(std::size_t index, std::size_t end,
                                              std::span<const float> center, float radius,
                                              Visit visit) const {
    const Block& block = blocks_[index];
    std::array<float, kChunk> squared;
    std::array<std::uint32_t, kChunk> members;
    for (std::size_t begin = block.begin; begin < end; begin += kChunk) {
        const std::size_t size = std::min(kChunk, end - begin);
        squared.fill(0.0f);
        for (std::size_t k = 0; k < dims_; ++k) {
            const float* values = column(block, k) + (begin - block.begin);
            const float middle = center[k];
            for (std::size_t j = 0; j < size; ++j) squared[j] += (values[j] - middle) * (values[j] - middle);
        }
        std::size_t count = 0;
        for (std::size_t j = 0; j < size; ++j) {
            members[count] = narrow<std::uint32_t>(begin - block.begin + j);
            count += squared[j] < radius * radius ? 1u : 0u;
        }
        visit(std::span<const std::uint32_t>(members.data(), count));
    }
}

PointBlocks::Sum PointBlocks::sum_of_active_in_ball(std::span<const float> center, float radius) const {
    Sum sum{0, std::vector<double>(dims_, 0.0)};
    for (const std::uint32_t b : blocks_near(center, radius)) {
        const Block& block = blocks_[b];
        scan(b, block.active_end, center, radius, [&](std::span<const std::uint32_t> members) {
            sum.count += members.size();
            for (std::size_t k = 0; k < dims_; ++k) {
                const float* values = column(block, k);
                double partial = 0.0;
                for (const std::uint32_t member : members) partial += static_cast<double>(values[member]);
                sum.values[k] += partial;
            }
        });
    }
    return sum;
}

std::vector<std::uint32_t> PointBlocks::in_ball(std::span<const float> center, float radius,
                                                bool only_active) const {
    std::vector<std::uint32_t> points;
    for (const std::uint32_t b : blocks_near(center, radius)) {
        const Block& block = blocks_[b];
        scan(b, only_active ? block.active_end : block.end, center, radius,
             [&](std::span<const std::uint32_t> members) {
                 for (const std::uint32_t member : members)
                     points.push_back(point_of_slot_[block.begin + member]);
             });
    }
    return points;
}

std::vector<float> PointBlocks::point(std::size_t index) const {
    const Block& block = blocks_[block_of_point_[index]];
    std::vector<float> values(dims_);
    for (std::size_t k = 0; k < dims_; ++k) values[k] = column(block, k)[slot_of_point_[index] - block.begin];
    return values;
}

bool PointBlocks::active(std::size_t index) const {
    return slot_of_point_[index] < blocks_[block_of_point_[index]].active_end;
}

std::size_t PointBlocks::block_population(std::size_t index) const {
    const Block& block = blocks_[block_of_point_[index]];
    return block.end - block.begin;
}

void PointBlocks::remove(std::size_t index) {
    if (!active(index)) return;
    Block& block = blocks_[block_of_point_[index]];
    const std::size_t slot = slot_of_point_[index];
    const std::size_t last = --block.active_end;
    for (std::size_t k = 0; k < dims_; ++k)
        std::swap(column(block, k)[slot - block.begin], column(block, k)[last - block.begin]);
    std::swap(point_of_slot_[slot], point_of_slot_[last]);
    slot_of_point_[point_of_slot_[slot]] = narrow<std::uint32_t>(slot);
    slot_of_point_[index] = narrow<std::uint32_t>(last);
    --num_active_;
}

} // namespace intarsia
