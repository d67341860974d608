// SPDX-License-Identifier: GPL-2.0-only
/// The base of all tests in which a guest runs on a function.
#pragma once

#include "support/guest.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace lm::test {

/// Opens functions afresh for each test; opening resets them.
class GuestTest : public testing::Test {
  protected:
    /// Functions are closed, hence reset, before the memory that they were given
    /// is unmapped.
    ~GuestTest() override { leave(); }

    static constexpr std::chrono::milliseconds silence{150}; ///< how long nothing must happen

    [[nodiscard]] static const nvme::Passthrough &pf() { return the_rig().admin(); }

    /// Open the n-th function, and keep it open for the rest of the test.
    Machine &open(std::size_t n) {
        return *machines_.emplace_back(std::make_unique<Machine>(the_rig(), n));
    }
    /// The same with a function that is not the rig's.
    Machine &open_function(const rig::Function &function) {
        return *machines_.emplace_back(std::make_unique<Machine>(the_rig(), function));
    }
    /// Close a function before the test ends, as if its VMM had ended.
    void close(Machine &machine) {
        for (const auto &guest : guests_)
            if (guest->driver().plugged() == &machine.device())
                guest->driver().unplug();
        std::erase_if(machines_, [&](const auto &m) { return m.get() == &machine; });
    }
    /// Close all functions and forget their guests, as before the rig is made anew.
    void leave() {
        for (const auto &guest : guests_)
            guest->driver().unplug();
        machines_.clear();
        guests_.clear();
    }
    /// A guest on @machine, which lives until the end of the test.
    Guest &boot(Machine &machine, const std::vector<nvme::QueueOptions> &pairs) {
        return *guests_.emplace_back(std::make_unique<Guest>(machine, pairs));
    }
    /// The same with one plain I/O queue pair.
    Guest &boot(Machine &machine) { return boot(machine, queue_pairs(1, machine)); }

  private:
    std::vector<std::unique_ptr<Guest>> guests_;
    std::vector<std::unique_ptr<Machine>> machines_;
};

} // namespace lm::test
