#include "metrics/id_pairs.hpp"

#include <algorithm>

namespace intarsia {
namespace {

constexpr std::size_t BLOCK = 16; // pixels compared at once, without a branch
constexpr std::size_t FIRST_SIZE = 256;

std::uint64_t pack(std::int32_t first, std::int32_t second) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(first)) << 32) |
           static_cast<std::uint32_t>(second);
}

std::uint64_t mix(std::uint64_t key) {
    key *= 0x9e3779b97f4a7c15u;
    return key ^ (key >> 29);
}

bool all_equal(const std::int32_t* values, std::int32_t value) {
    std::int32_t difference = 0;
    for (std::size_t i = 0; i < BLOCK; ++i) difference |= values[i] ^ value;
    return difference == 0;
}

} // namespace

PairCounter::PairCounter() : slots_(FIRST_SIZE, Slot{0, 0}) {}

void PairCounter::add(std::span<const std::int32_t> first, std::span<const std::int32_t> second) {
    const std::size_t size = first.size();
    std::size_t at = 0;
    while (at < size) {
        if (first[at] != first_ || second[at] != second_) {
            close_run();
            first_ = first[at];
            second_ = second[at];
        }
        const std::size_t start = at;
        while (at + BLOCK <= size && all_equal(&first[at], first_) && all_equal(&second[at], second_))
            at += BLOCK;
        while (at < size && first[at] == first_ && second[at] == second_) ++at;
        run_ += static_cast<std::int64_t>(at - start);
    }
}

std::vector<IdPair> PairCounter::pairs() {
    close_run();
    std::vector<IdPair> pairs;
    pairs.reserve(num_used_);
    for (const auto& [key, count] : slots_)
        if (count != 0)
            pairs.push_back(
                {static_cast<std::int32_t>(key >> 32), static_cast<std::int32_t>(key & 0xffffffffu), count});
    std::sort(pairs.begin(), pairs.end(), [](const IdPair& a, const IdPair& b) {
        return a.first != b.first ? a.first < b.first : a.second < b.second;
    });
    return pairs;
}

void PairCounter::close_run() {
    if (run_ == 0) return;
    slot_of(pack(first_, second_)).count += run_;
    run_ = 0;
}

// The slot of a key whose count is about to grow from 0 if it is new.
PairCounter::Slot& PairCounter::slot_of(std::uint64_t key) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = mix(key) & mask;; at = (at + 1) & mask) {
        if (slots_[at].count != 0 && slots_[at].key == key) return slots_[at];
        if (slots_[at].count != 0) continue;
        if (2 * (num_used_ + 1) > slots_.size()) {
            grow();
            return slot_of(key);
        }
        ++num_used_;
        slots_[at].key = key;
        return slots_[at];
    }
}

void PairCounter::grow() {
    std::vector<Slot> old(2 * slots_.size(), Slot{0, 0});
    old.swap(slots_);
    num_used_ = 0;
    for (const Slot& slot : old)
        if (slot.count != 0) slot_of(slot.key).count = slot.count;
}

std::vector<IdPair> count_id_pairs(std::span<const std::int32_t> first,
                                   std::span<const std::int32_t> second) {
    PairCounter counter;
    counter.add(first, second);
    return counter.pairs();
}

} // namespace intarsia
