// Independent pieces of work on a few threads. What a piece computes must not depend on who runs it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace intarsia::cut {

// work(piece) for every piece in [0, count), on this thread and up to threads - 1 others.
template <class Work> void run_pieces(int threads, std::size_t count, Work work) {
    std::atomic<std::size_t> next{0};
    const auto run = [&] {
        for (std::size_t piece = next++; piece < count; piece = next++) work(piece);
    };
    std::vector<std::jthread> others;
    const auto wanted = std::min(static_cast<std::size_t>(std::max(threads, 1)), std::max<std::size_t>(count, 1));
    for (std::size_t t = 1; t < wanted; ++t) others.emplace_back(run);
    run();
}

} // namespace intarsia::cut
