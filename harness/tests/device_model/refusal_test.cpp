// SPDX-License-Identifier: GPL-2.0-only
/// Who may command what: controller identifiers, selections, and the function's own admin queue.
#include "device_model/fixture.hpp"

namespace lm::test {

using namespace nvme::status;

/// All four commands that name a controller.
class DeviceModelRefusal : public DeviceModel {
  protected:
    static void expect_all(Cntlid cntlid, nvme::Status expected) {
        Bytes data(64);
        EXPECT_EQ(pf().suspend(cntlid).status, expected) << "Suspend";
        EXPECT_EQ(pf().resume(cntlid).status, expected) << "Resume";
        const nvme::StatePiece piece = pf().piece(cntlid, ByteOffset{0}, data.size());
        EXPECT_EQ(pf().get_state(piece, data).status, expected) << "Get Controller State";
        EXPECT_EQ(pf().set_state(piece, nvme::Sequence::entire, data).status, expected)
            << "Set Controller State";
    }
};

TEST_F(DeviceModelRefusal, PrimaryControllerItself) {
    const Cntlid own{load<std::uint16_t>(pf().identify(nvme::Cns::controller), 78)};
    expect_all(own, invalid_controller_identifier);
}

TEST_F(DeviceModelRefusal, UnknownController) {
    for (unsigned cntlid : {0x7ffU, 0xfff0U, 0xfffeU, 0xffffU})
        expect_all(Cntlid{static_cast<std::uint16_t>(cntlid)}, invalid_controller_identifier);
}

TEST_F(DeviceModelRefusal, OfflineSecondaryController) {
    bool found = false;
    for (const nvme::SecondaryController &controller : pf().secondary_controllers()) {
        if (controller.online)
            continue;
        found = true;
        expect_all(controller.cntlid, invalid_controller_identifier);
    }
    EXPECT_TRUE(found) << "the rig is to have more possible functions than are online";
}

TEST_F(DeviceModelRefusal, ReservedSelectionOfMigrationSend) {
    Machine &vf = open(0);
    boot(vf);
    for (unsigned select : {3U, 4U, 0x7fU, 0xffU}) {
        nvme::Sqe sqe = nvme::suspend(vf.cntlid());
        sqe.cdw10 = select;
        EXPECT_EQ(pf().submit(sqe).status, invalid_field) << "SEL " << select;
    }
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
}

TEST_F(DeviceModelRefusal, ReservedSelectionOfMigrationReceive) {
    Machine &vf = open(0);
    boot(vf);
    Bytes data(64);
    for (unsigned select : {1U, 2U, 0x7fU, 0xffU}) {
        nvme::Sqe sqe =
            nvme::get_controller_state(pf().piece(vf.cntlid(), ByteOffset{0}, data.size()));
        sqe.cdw10 |= select;
        EXPECT_EQ(pf().submit(sqe, data).status, invalid_field) << "SEL " << select;
    }
}

/// What a guest must not be able to do through its own admin queue.
class DeviceModelOwnQueue : public DeviceModel, public testing::WithParamInterface<nvme::Admin> {};

TEST_P(DeviceModelOwnQueue, IsInvalidOpcode) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    const nvme::DataBuffer data = guest.buffer();
    for (unsigned select = 0; select < 4; ++select) {
        for (Cntlid cntlid : {vf.cntlid(), the_rig().function(1).cntlid, Cntlid{0}}) {
            nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(GetParam())};
            sqe.cdw10 = select;
            sqe.cdw11 = cntlid.value | 1U << 16;
            sqe.cdw15 = 16;
            EXPECT_EQ(guest.driver().admin_with_data(sqe, data, 4096).status(), invalid_opcode)
                << "SEL " << select << ", CNTLID " << cntlid.value;
        }
    }
    EXPECT_TRUE(all_zero(data.bytes()));
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
    guest.write_and_verify(guest.queue(), Lba{0}, 8);
}

INSTANTIATE_TEST_SUITE_P(Commands, DeviceModelOwnQueue,
                         testing::Values(nvme::Admin::migration_send,
                                         nvme::Admin::migration_receive, nvme::Admin::track_send,
                                         nvme::Admin::track_receive,
                                         nvme::Admin::controller_data_queue));

} // namespace lm::test
