// SPDX-License-Identifier: GPL-2.0-only
/// A line on a terminal that tells how far something has come.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lm::ctl {

/// Draws on stderr, a few times a second, and only when that is a terminal.
class Progress {
  public:
    /// @expected: bytes, an estimate; 0 when nobody knows
    Progress(std::string title, std::uint64_t expected);
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;
    /// Takes the line away.
    ~Progress();

    void advance(std::uint64_t bytes);
    [[nodiscard]] std::uint64_t done() const { return done_; }
    [[nodiscard]] double seconds() const;

    /// The line for @done bytes of @expected, in @width columns.
    static std::string line(const std::string &title, std::uint64_t done, std::uint64_t expected,
                            double seconds, unsigned width);

  private:
    using Clock = std::chrono::steady_clock;

    std::string title_;
    std::uint64_t expected_;
    std::uint64_t done_ = 0;
    bool terminal_;
    Clock::time_point start_ = Clock::now();
    Clock::time_point drawn_{};
};

} // namespace lm::ctl
