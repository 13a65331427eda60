// Independent pieces of work on a few threads. What a piece computes must not depend on who runs it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace intarsia::cut {

// The threads of one solver call: they sleep between pieces of work and end with this object.
class Workers {
  public:
    explicit Workers(int threads = 1) {
        for (int worker = 1; worker < threads; ++worker) others_.emplace_back([this, worker] { serve(static_cast<std::size_t>(worker)); });
    }
    ~Workers() {
        call_ = nullptr;
        wake();
    }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    std::size_t count() const { return others_.size() + 1; }

    // work(piece, worker) for every piece in [0, num_pieces); the caller is worker 0, scratch memory is kept by worker.
    template <class Work> void run(std::size_t num_pieces, const Work& work) {
        work_ = &work;
        call_ = [](const void* target, std::size_t piece, std::size_t worker) { (*static_cast<const Work*>(target))(piece, worker); };
        next_ = 0;
        num_pieces_ = num_pieces;
        const bool alone = others_.empty() || num_pieces <= 1;
        if (!alone) {
            busy_ = others_.size();
            wake();
        }
        take_pieces(0);
        if (!alone)
            for (std::size_t busy = busy_; busy != 0; busy = busy_) busy_.wait(busy);
    }

  private:
    void wake() {
        ++round_;
        round_.notify_all();
    }

    void serve(std::size_t worker) {
        for (std::uint32_t round = 0;; ++round) {
            round_.wait(round);
            if (call_ == nullptr) return;
            take_pieces(worker);
            if (--busy_ == 0) busy_.notify_one();
        }
    }

    void take_pieces(std::size_t worker) {
        for (std::size_t piece = next_++; piece < num_pieces_; piece = next_++) call_(work_, piece, worker);
    }

    const void* work_ = nullptr;
    void (*call_)(const void*, std::size_t, std::size_t) = nullptr; // nullptr: go home
    std::size_t num_pieces_ = 0;
    std::atomic<std::size_t> next_{0}, busy_{0};
    std::atomic<std::uint32_t> round_{0};
    std::vector<std::jthread> others_;
};

} // namespace intarsia::cut
