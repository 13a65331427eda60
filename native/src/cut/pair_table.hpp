// A flat hash table from an unordered pair of nodes to a number: open addressing, linear probing, true deletion.
#pragma once

#include "problem.hpp"

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
        return fallback;
    }

    void erase(Node i, Node j) {
        const std::uint64_t key = key_of(i, j);
        std::size_t hole = home(key);
        while (slots_[hole].key != key) {
            if (slots_[hole].key == 0) return;
            hole = next(hole);
        }
        for (std::size_t at = next(hole); slots_[at].key != 0; at = next(at)) {
            const std::size_t wanted = home(slots_[at].key); // may this entry move back into the hole?
            if (((at - wanted) & (slots_.size() - 1)) < ((at - hole) & (slots_.size() - 1))) continue;
            slots_[hole] = slots_[at];
            hole = at;
        }
        slots_[hole].key = 0;
    }

  private:
    struct Slot {
        std::uint64_t key = 0; // 0: empty (a pair of different nodes never packs to 0)
        std::int32_t value = 0;
    };
    static std::uint64_t key_of(Node i, Node j) {
        if (i > j) std::swap(i, j);
        return static_cast<std::uint64_t>(static_cast<std::uint32_t>(i)) << 32 | static_cast<std::uint32_t>(j);
    }
    std::size_t home(std::uint64_t key) const { return (key * 0x9E3779B97F4A7C15u) >> shift_; }
    std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

    std::vector<Slot> slots_;
    int shift_;
};

} // namespace intarsia::cut
