// SPDX-License-Identifier: GPL-2.0-only
/// Tests of the emulated controller: commands on the PF, a guest on plain VFIO.
#pragma once

#include "nvme/controller_state.hpp"
#include "nvme/passthrough.hpp"
#include "support/guest.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace lm::test {

/// Opens functions afresh for each test; opening resets them.
class DeviceModel : public testing::Test {
  protected:
    static constexpr std::chrono::milliseconds silence{150}; ///< how long nothing must happen

    [[nodiscard]] static const nvme::Passthrough &pf() { return the_rig().admin(); }

    /// Open the n-th function, and keep it open for the rest of the test.
    Machine &open(std::size_t n);
    /// A guest on @machine, which lives until the end of the test.
    Guest &boot(Machine &machine, const std::vector<nvme::QueueOptions> &pairs);
    /// The same with one plain I/O queue pair.
    Guest &boot(Machine &machine);

    /// Suspend and read the whole state.
    static nvme::ControllerState take_state(Machine &machine);
    /// Suspend a function that is reset, and set the whole state.
    static void give_state(Machine &machine, ByteView state);
    /// Move a guest: state of @from to @to, which must be reset; resume there.
    static nvme::ControllerState move(Guest &guest, Machine &from, Machine &to);
    /// The same function, reset as if it were a new destination.
    static void reset(Machine &machine);

    static void suspend(Machine &machine);
    static void resume(Machine &machine);

    /// The status of a Set Controller State with the whole of @state in one command.
    static nvme::Status set_entire(Cntlid cntlid, ByteView state);

  private:
    // Destroyed in reverse: the functions are closed, hence reset, before the
    // memory that they were given is unmapped.
    std::vector<std::unique_ptr<Guest>> guests_;
    std::vector<std::unique_ptr<Machine>> machines_;
};

} // namespace lm::test
