// Independent pieces of work on a few threads. What a piece computes must not depend on who runs it.
#pragma once

#include "joined_threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>

namespace intarsia::cut {

// Bytes, two cache lines: what several workers write all the time lies this far apart, or each write of one
// would take the line away from another.
constexpr std::size_t far_apart = 128;

// Work in pieces that may be done in any order.
struct Task {
    std::size_t num_pieces = 0;
    std::function<void(std::size_t)> piece;
};

// The threads of one solver call: they wait between pieces of work and end with this object.
class Workers {
  public:
    explicit Workers(int threads = 1) {
        for (int worker = 1;
             worker < std::min(threads, most()) && others_.start([this, worker] { serve(worker); });)
            ++worker;
    }
    ~Workers() {
        closing_ = true;
        publish(0);
    }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    std::size_t count() const { return others_.size() + 1; }

    // work(piece, worker) for every piece in [0, num_pieces), in this order; the caller is worker 0, scratch
    // memory is kept by worker. Nobody waits for a worker that comes too late to find a piece.
    template <class Work> void run(std::size_t num_pieces, const Work& work) {
        if (others_.size() == 0 || num_pieces <= 1) {
            for (std::size_t piece = 0; piece < num_pieces; ++piece) work(piece, std::size_t{0});
            return;
        }
        work_ = &work;
        call_ = [](const void* target, std::size_t piece, std::size_t worker) {
            (*static_cast<const Work*>(target))(piece, worker);
        };
        num_pieces_ = num_pieces;
        unfinished_ = num_pieces;
        publish(num_pieces);
        while (take_piece(0)) {
        }
        wait_while([this] { return unfinished_ != 0; },
                   [this] {
                       if (const std::size_t unfinished = unfinished_; unfinished != 0)
                           unfinished_.wait(unfinished);
                   });
    }

    void run(const Task& task) {
        run(task.num_pieces, [&](std::size_t piece, std::size_t) { task.piece(piece); });
    }

    // alone() on one thread; the others do what it does not need.
    template <class Alone> void run_beside(const Alone& alone, const Task& task) {
        run(task.num_pieces + 1, [&](std::size_t piece, std::size_t) {
            if (piece == 0) alone();
            else task.piece(piece - 1);
        });
    }

  private:
    // More threads than cores only get into each other's way.
    static int most() { return std::max(16, static_cast<int>(std::thread::hardware_concurrency())); }

    // How often a worker looks again before it sleeps: some 20 to 50 microseconds, about what it takes to
    // wake one up.
    static constexpr int patience = 1000;
    static void pause() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        std::this_thread::yield();
#endif
    }

    // The round in the upper half, so that a piece of an earlier round cannot be taken; the pieces left in
    // the lower.
    static std::uint32_t left(std::uint64_t state) { return static_cast<std::uint32_t>(state); }

    void publish(std::size_t num_pieces) {
        state_ = ((state_ >> 32) + 1) << 32 | num_pieces;
        state_.notify_all();
    }

    template <class Busy, class Sleep> static void wait_while(Busy busy, Sleep sleep) {
        for (int look = 0; look < patience; ++look) {
            if (!busy()) return;
            pause();
        }
        while (busy()) sleep();
    }

    // Until a piece is taken and not finished, its round cannot end: what the round is about may be read
    // after it.
    bool take_piece(std::size_t worker) {
        std::uint64_t state = state_;
        while (left(state) != 0 && !state_.compare_exchange_weak(state, state - 1)) {
        }
        if (left(state) == 0) return false;
        call_(work_, num_pieces_ - left(state), worker);
        if (--unfinished_ == 0) unfinished_.notify_one();
        return true;
    }

    void serve(std::size_t worker) {
        while (!closing_) {
            while (take_piece(worker)) {
            }
            wait_while([this] { return left(state_) == 0 && !closing_; },
                       [this] {
                           if (const std::uint64_t state = state_; left(state) == 0 && !closing_)
                               state_.wait(state);
                       });
        }
    }

    const void* work_ = nullptr;
    void (*call_)(const void*, std::size_t, std::size_t) = nullptr;
    std::size_t num_pieces_ = 0;
    std::atomic<std::size_t> unfinished_{0};
    std::atomic<std::uint64_t> state_{0};
    std::atomic<bool> closing_{false};
    JoinedThreads others_; // the last member: they end before what they use
};

} // namespace intarsia::cut
