// Whole-map passes over label maps: how large each id is, and giving ids other values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace intarsia {

struct IdCount {
    std::int32_t id;
    std::int64_t count; // pixels
};

// One entry for each id that occurs, ordered by id.
std::vector<IdCount> count_ids(std::span<const std::int32_t> ids);

// The map with ids[i] replaced by values[j] where keys[j] == ids[i]; an id that is no key becomes `other`.
std::vector<std::int32_t> relabel(std::span<const std::int32_t> ids, std::span<const std::int32_t> keys,
                                  std::span<const std::int32_t> values, std::int32_t other);

} // namespace intarsia
