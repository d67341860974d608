// SPDX-License-Identifier: GPL-2.0-only
/// Several functions saved at once, each by a thread of its own, as by VMMs of their own.
#pragma once

#include "transfers.hpp"

#include <atomic>
#include <barrier>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace lm::bench {

class Savers {
  public:
    /// What a round of saves gave.
    struct Round {
        double seconds = 0;       ///< from the first byte wanted to the last one read
        std::uint64_t bytes = 0;  ///< of all
        double slowest_share = 1; ///< of the slowest, of a fair share, when the first was done
    };

    /// Open the first @count functions, each with @size bytes of device memory.
    Savers(Stage &stage, unsigned count, std::uint64_t size);

    /// Save the first @count of them at once, once. @meanwhile runs in the caller's thread until
    /// it is told that they are done.
    template <typename Meanwhile> Round run(unsigned count, Meanwhile meanwhile) {
        Round round;
        start(round, count);
        meanwhile(done_);
        threads_.clear();
        if (error_)
            std::rethrow_exception(error_);
        return round;
    }
    Round run(unsigned count) {
        return run(count, [](const std::atomic<bool> &) {});
    }

  private:
    struct One {
        explicit One(Vf opened) : vf{std::move(opened)} {}
        Vf vf;
        Buffer buffer{};
        std::atomic<std::uint64_t> bytes = 0;
    };

    void start(Round &round, unsigned count);
    void save_one(One &one, Round &round, Clock::time_point begin);

    std::vector<std::unique_ptr<One>> all_;
    std::span<const std::unique_ptr<One>> saving_; ///< those of the round
    std::vector<std::jthread> threads_;
    std::atomic<unsigned> running_ = 0;
    std::atomic<bool> done_ = false;
    std::atomic<bool> first_done_ = false;
    std::exception_ptr error_;
};

} // namespace lm::bench
