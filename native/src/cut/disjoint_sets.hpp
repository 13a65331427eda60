// Union-find in which the smallest member is the root, so that the answer does not depend on the order of
// unions.
#pragma once

#include "narrow.hpp"

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace intarsia::cut {

class DisjointSets {
  public:
    explicit DisjointSets(std::size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), 0); }

    std::int32_t find(std::int32_t i) {
        while (parent(i) != i) i = parent(i) = parent(parent(i));
        return i;
    }
    // The same without a shorter path for the next: many may ask at once.
    std::int32_t root(std::int32_t i) const {
        while (parent_[i] != i) i = parent_[i];
        return i;
    }
    // Returns the root of both.
    std::int32_t join(std::int32_t i, std::int32_t j) {
        i = find(i);
        if (parent(j) == i) return i; // most are asked for again and again
        j = find(j);
        if (i > j) std::swap(i, j);
        parent(j) = i;
        return i;
    }
    // The sets numbered 0..C-1 in the order of their smallest members; returns C.
    std::int32_t number(std::vector<std::int32_t>& ids) {
        ids.resize(parent_.size());
        std::int32_t count = 0;
        for (std::int32_t i = 0; i < narrow<std::int32_t>(parent_.size()); ++i) {
            const std::int32_t root = find(i);
            ids[i] = root == i ? count++ : ids[root];
        }
        return count;
    }

  private:
    std::int32_t& parent(std::int32_t i) { return parent_[i]; }
    std::vector<std::int32_t> parent_;
};

} // namespace intarsia::cut
