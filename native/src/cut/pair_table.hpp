// A flat hash table from an unordered pair of nodes to a number: open addressing, linear probing, no
// deletion.
#pragma once

#include "problem.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace intarsia::cut {

class PairTable {
  public:
    explicit PairTable(std::size_t most_entries)
        : slots_(std::bit_ceil(2 * most_entries + 2)), shift_(64 - std::countr_zero(slots_.size())) {}

    // The value kept for {i, j}, inserted as `fallback` if there is none yet.
    std::int32_t find_or_insert(Node i, Node j, std::int32_t fallback) {
        const std::uint64_t key = key_of(i, j);
        std::size_t at = home(key);
        for (; slots_[at].key != 0; at = next(at))
            if (slots_[at].key == key) return slots_[at].value;
        slots_[at] = {key, fallback};
        ++count_;
        return fallback;
    }

    // Forget everything. Pairs that are never asked for again only take space: clear and insert the others
    // anew.
    void clear() {
        std::fill(slots_.begin(), slots_.end(), Slot{});
        count_ = 0;
    }
    bool crowded() const { return 5 * count_ > 3 * slots_.size(); } // never with most_entries pairs or fewer

  private:
    struct Slot {
        std::uint64_t key = 0; // 0: empty (a pair of different nodes never packs to 0)
        std::int32_t value = 0;
    };
    static std::uint64_t key_of(Node i, Node j) {
        if (i > j) std::swap(i, j);
        return static_cast<std::uint64_t>(static_cast<std::uint32_t>(i)) << 32 |
               static_cast<std::uint32_t>(j);
    }
    std::size_t home(std::uint64_t key) const { return (key * 0x9E3779B97F4A7C15u) >> shift_; }
    std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

    std::vector<Slot> slots_;
    int shift_;
    std::size_t count_ = 0;
};

} // namespace intarsia::cut
