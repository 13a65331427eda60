// When to stop early. Without a limit it never asks the clock.
#pragma once

#include <chrono>
#include <limits>

namespace intarsia::cut {

class Deadline {
  public:
    using Clock = std::chrono::steady_clock;

    // seconds: infinity for no limit.
    explicit Deadline(double seconds = std::numeric_limits<double>::infinity())
        : start_(Clock::now()), limit_s_(seconds) {}

    double elapsed_s() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

    // Whether `share` of the time is over: what comes after the caller needs the rest of it.
    bool passed(double share = 1.0) const {
        return limit_s_ < std::numeric_limits<double>::infinity() && elapsed_s() >= share * limit_s_;
    }

  private:
    Clock::time_point start_;
    double limit_s_;
};

} // namespace intarsia::cut
