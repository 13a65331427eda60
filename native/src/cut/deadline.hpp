// When to stop early. Without a limit it never asks the clock.
#pragma once

#include <chrono>
#include <limits>

namespace intarsia::cut {

// The clock starts with the constructor, which is called before the costs are read.
class Deadline {
  public:
    using Clock = std::chrono::steady_clock;

    // seconds: infinity for no limit.
    explicit Deadline(double seconds = std::numeric_limits<double>::infinity())
        : start_(Clock::now()), limit_s_(seconds) {}

    double elapsed_s() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

    // Whether the search is over, or would be after this many seconds more.
    bool passed(double more_s = 0) const {
        return limit_s_ < std::numeric_limits<double>::infinity() && elapsed_s() + more_s >= limit_s_;
    }

    // The same limit for the search alone, when writing the answer takes this long.
    Deadline before(double finish_s) const {
        Deadline earlier = *this;
        earlier.limit_s_ -= finish_s;
        return earlier;
    }

  private:
    Clock::time_point start_;
    double limit_s_;
};

} // namespace intarsia::cut
