// SPDX-License-Identifier: GPL-2.0-only
/// How a command ends, and how it says that something cannot be done.
#pragma once

#include <stdexcept>
#include <string>

namespace lm::ctl {

/// Exit codes of the tool.
enum class Exit : int {
    success = 0, ///< done, or the answer is yes
    no = 1,      ///< done, and the answer is no: a bad stream, not ready, does not fit
    usage = 2,   ///< the command line is wrong
    failure = 3, ///< it could not be done
};

/// Something that cannot be done: the cause, and what to do about it.
class Problem : public std::runtime_error {
  public:
    /// @cause: what was expected and what was found; @next: the next step, may be empty
    explicit Problem(const std::string &cause, std::string next = {}, Exit exit = Exit::failure)
        : std::runtime_error{cause}, next_{std::move(next)}, exit_{exit} {}

    [[nodiscard]] const std::string &next() const { return next_; }
    [[nodiscard]] Exit exit() const { return exit_; }

  private:
    std::string next_;
    Exit exit_;
};

} // namespace lm::ctl
