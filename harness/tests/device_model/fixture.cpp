// SPDX-License-Identifier: GPL-2.0-only
#include "device_model/fixture.hpp"

namespace lm::test {

rig::Options default_options() {
    return {.vfs = 3, .driver = "vfio-pci"};
}

void DeviceModel::suspend(Machine &machine) {
    ASSERT_EQ(pf().suspend(machine.cntlid()).status, nvme::status::success);
}

void DeviceModel::resume(Machine &machine) {
    ASSERT_EQ(pf().resume(machine.cntlid()).status, nvme::status::success);
}

nvme::ControllerState DeviceModel::take_state(Machine &machine) {
    pf().require(nvme::suspend(machine.cntlid()));
    return nvme::ControllerState{pf().read_whole_state(machine.cntlid())};
}

void DeviceModel::give_state(Machine &machine, ByteView state) {
    pf().require(nvme::suspend(machine.cntlid()));
    const nvme::Status status = pf().write_whole_state(machine.cntlid(), state).status;
    if (!status.ok())
        throw std::runtime_error{"the destination refused the state: " + status.text()};
}

nvme::ControllerState DeviceModel::move(Guest &guest, Machine &from, Machine &to) {
    nvme::ControllerState state = take_state(from);
    give_state(to, state.bytes());
    guest.move_to(to);
    pf().require(nvme::resume(to.cntlid()));
    return state;
}

void DeviceModel::reset(Machine &machine) {
    machine.device().reset();
}

nvme::Status DeviceModel::set_entire(Cntlid cntlid, ByteView state) {
    return pf()
        .set_state(pf().piece(cntlid, ByteOffset{0}, state.size()), nvme::Sequence::entire, state)
        .status;
}

} // namespace lm::test
