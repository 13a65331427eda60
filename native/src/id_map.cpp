#include "id_map.hpp"

#include "narrow.hpp"

#include <algorithm>
#include <unordered_map>

namespace intarsia {

std::vector<IdCount> count_ids(std::span<const std::int32_t> ids) {
    std::unordered_map<std::int32_t, std::int64_t> counts;
    for (std::size_t start = 0, end = 0; start < ids.size(); start = end) {
        while (end < ids.size() && ids[end] == ids[start]) ++end;
        counts[ids[start]] += narrow<std::int64_t>(end - start);
    }
    std::vector<IdCount> result;
    result.reserve(counts.size());
    for (const auto& [id, count] : counts) result.push_back({id, count});
    std::sort(result.begin(), result.end(), [](const IdCount& a, const IdCount& b) { return a.id < b.id; });
    return result;
}

std::vector<std::int32_t> relabel(std::span<const std::int32_t> ids, std::span<const std::int32_t> keys,
                                  std::span<const std::int32_t> values, std::int32_t other) {
    std::unordered_map<std::int32_t, std::int32_t> value_of;
    for (std::size_t j = 0; j < keys.size(); ++j) value_of[keys[j]] = values[j];
    std::vector<std::int32_t> result(ids.size());
    for (std::size_t start = 0, end = 0; start < ids.size(); start = end) {
        while (end < ids.size() && ids[end] == ids[start]) ++end;
        const auto entry = value_of.find(ids[start]);
        std::fill(result.begin() + start, result.begin() + end,
                  entry == value_of.end() ? other : entry->second);
    }
    return result;
}

} // namespace intarsia
