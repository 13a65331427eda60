// Threads that are waited for at the end of their scope; std::jthread is missing in the library of Apple's
// compiler.
#pragma once

#include <cstddef>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace intarsia {

class JoinedThreads {
  public:
    JoinedThreads() = default;
    ~JoinedThreads() {
        for (std::thread& thread : threads_) thread.join();
    }
    JoinedThreads(const JoinedThreads&) = delete;
    JoinedThreads& operator=(const JoinedThreads&) = delete;

    // Whether the system had one more thread to give; what is to be done must not depend on it.
    template <class Work> bool start(Work&& work) {
        try {
            threads_.emplace_back(std::forward<Work>(work));
            return true;
        } catch (const std::system_error&) {
            return false;
        }
    }
    std::size_t size() const { return threads_.size(); }

  private:
    std::vector<std::thread> threads_;
};

} // namespace intarsia
