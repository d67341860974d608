// SPDX-License-Identifier: GPL-2.0-only
/// Steps that are taken back when a later one fails.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lm::ctl {

/// Remembers how each step is undone. Unless commit() is called they are undone,
/// the last one first, when this goes out of scope.
class Undo {
  public:
    Undo() = default;
    Undo(const Undo &) = delete;
    Undo &operator=(const Undo &) = delete;
    ~Undo();

    /// @what: for the message when it is undone, or cannot be
    void remember(std::string what, std::function<void()> how);
    void commit() { steps_.clear(); }

  private:
    struct Step {
        std::string what;
        std::function<void()> how;
    };
    std::vector<Step> steps_;
};

} // namespace lm::ctl
