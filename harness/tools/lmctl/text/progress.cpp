// SPDX-License-Identifier: GPL-2.0-only
#include "text/progress.hpp"

#include "text/style.hpp"
#include "text/terminal.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace lm::ctl {

Progress::Progress(std::string title, std::uint64_t expected)
    : title_{std::move(title)}, expected_{expected}, terminal_{is_terminal(STDERR_FILENO)} {}

Progress::~Progress() {
    if (terminal_ && drawn_ != Clock::time_point{})
        fmt::print(stderr, "\r\x1b[K");
}

double Progress::seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
}

std::string Progress::line(const std::string &title, std::uint64_t done, std::uint64_t expected,
                           double seconds, unsigned width) {
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    const std::string numbers =
        fmt::format("{}  {}/s", human_size(done), human_size(static_cast<std::uint64_t>(rate)));
    const std::size_t taken = title.size() + numbers.size() + 12;
    if (expected == 0 || taken + 10 > width)
        return fmt::format("{}  {}", title, numbers);
    // An estimate may turn out too small: the bar waits at its end then.
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(expected));
    const std::size_t room = std::min<std::size_t>(width - taken, 40);
    const auto filled = static_cast<std::size_t>(part * static_cast<double>(room));
    return fmt::format("{}  [{}{}] {:3.0f}%  {}", title, std::string(filled, '#'),
                       std::string(room - filled, '.'), part * 100, numbers);
}

void Progress::advance(std::uint64_t bytes) {
    done_ += bytes;
    const Clock::time_point now = Clock::now();
    if (!terminal_ || now - drawn_ < std::chrono::milliseconds{100})
        return;
    drawn_ = now;
    fmt::print(stderr, "\r\x1b[K{}", line(title_, done_, expected_, seconds(), terminal_width()));
    std::fflush(stderr);
}

} // namespace lm::ctl
