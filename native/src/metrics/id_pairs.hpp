// Counting how often two label maps show each pair of ids at the same pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

struct IdPair {
    std::int32_t first;
    std::int32_t second;
    std::int64_t count; // pixels
};

// Counts pixel by pixel, in any number of pieces. Label maps are made of long runs, so a run costs one
// look-up, not one a pixel; the look-up is an open-addressing table that stays in the first cache.
class PairCounter {
  public:
    PairCounter();

    // The next pixels of both maps; the pieces have the same length.
    void add(std::span<const std::int32_t> first, std::span<const std::int32_t> second);

    // One entry for each pair that occurred, ordered by (first, second).
    std::vector<IdPair> pairs();

  private:
    struct Slot {
        std::uint64_t key;
        std::int64_t count; // 0 marks a free slot
    };

    void close_run();
    Slot& slot_of(std::uint64_t key);
    void grow();

    std::vector<Slot> slots_;
    std::size_t num_used_ = 0;
    std::int32_t first_ = 0; // the pair of the run that goes on, and its length so far
    std::int32_t second_ = 0;
    std::int64_t run_ = 0;
};

// One entry for each pair of ids that occurs, ordered by (first, second). The maps have the same
// number of pixels.
std::vector<IdPair> count_id_pairs(std::span<const std::int32_t> first, std::span<const std::int32_t> second);

} // namespace intarsia
