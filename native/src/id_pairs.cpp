#include "id_pairs.hpp"

#include <algorithm>
#include <unordered_map>

namespace intarsia {
namespace {

std::uint64_t pack(std::int32_t first, std::int32_t second) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(first)) << 32) |
           static_cast<std::uint32_t>(second);
}

} // namespace

std::vector<IdPair> count_id_pairs(std::span<const std::int32_t> first, std::span<const std::int32_t> second) {
    std::unordered_map<std::uint64_t, std::int64_t> counts;
    for (std::size_t start = 0, end = 0; start < first.size(); start = end) {
        while (end < first.size() && first[end] == first[start] && second[end] == second[start]) ++end;
        counts[pack(first[start], second[start])] += static_cast<std::int64_t>(end - start);
    }
    std::vector<IdPair> pairs;
    pairs.reserve(counts.size());
    for (const auto& [key, count] : counts)
        pairs.push_back({static_cast<std::int32_t>(key >> 32), static_cast<std::int32_t>(key & 0xffffffffu), count});
    std::sort(pairs.begin(), pairs.end(), [](const IdPair& a, const IdPair& b) {
        return a.first != b.first ? a.first < b.first : a.second < b.second;
    });
    return pairs;
}

} // namespace intarsia
