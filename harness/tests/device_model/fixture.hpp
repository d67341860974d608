// SPDX-License-Identifier: GPL-2.0-only
/// Tests of the emulated controller: commands on the PF, a guest on plain VFIO.
#pragma once

#include "nvme/controller_state.hpp"
#include "nvme/passthrough.hpp"
#include "support/guest_test.hpp"

namespace lm::test {

/// Commands the PF as the controlling side would.
class DeviceModel : public GuestTest {
  protected:
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
};

} // namespace lm::test
