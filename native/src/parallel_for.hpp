// The same call for each index, spread over threads.
#pragma once

#include "joined_threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>

namespace intarsia {

// Calls work(index) once for every index below count, on at most `threads` threads, and rethrows the first
// exception. Indices are taken in order; results may not depend on which thread takes which.
template <class Work> void parallel_for(std::size_t count, std::size_t threads, const Work& work) {
    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    std::exception_ptr error;
    const auto drain = [&] {
        try {
            for (std::size_t i = next++; i < count; i = next++) work(i);
        } catch (...) {
            if (!failed.exchange(true)) error = std::current_exception();
            next = count;
        }
    };
    {
        JoinedThreads others;
        for (std::size_t t = 1; t < std::min(threads, count) && others.start(drain);) ++t;
        drain();
    }
    if (error) std::rethrow_exception(error);
}

} // namespace intarsia
