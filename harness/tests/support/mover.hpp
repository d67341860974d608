// SPDX-License-Identifier: GPL-2.0-only
/// Ways to move a guest between functions. What a guest must not notice is the same
/// for all of them: move_scenarios.cpp.
#pragma once

#include "support/guest.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lm::test {

/// Moves guests for one test.
class Mover {
  public:
    Mover() = default;
    Mover(const Mover &) = delete;
    Mover &operator=(const Mover &) = delete;
    virtual ~Mover() = default;

    /// Why functions like this one cannot be moved in this way; empty when they can.
    virtual std::string why_not(Machine &) { return {}; }
    /// Stop the guest's function: nothing of it moves any more.
    virtual void stop(Machine &from) = 0;
    /// Bring the state of @from, running or stopped, to @to, which is reset; @before_run
    /// happens when it is loaded and does not run yet. The guest goes on at @to.
    virtual void move(Guest &guest, Machine &from, Machine &to,
                      const std::function<void()> &before_run) = 0;
    /// Make a function that was left a destination again.
    virtual void reset(Machine &machine) = 0;
};

/// A way to move, by its name in the results.
struct WayToMove {
    std::string name;
    std::unique_ptr<Mover> (*make)();
};

/// The ways that the test program has.
std::vector<WayToMove> ways_to_move();

} // namespace lm::test
