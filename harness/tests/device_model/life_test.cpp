// SPDX-License-Identifier: GPL-2.0-only
/// What ends a suspension and a half-sent state.
#include "device_model/fixture.hpp"

namespace lm::test {

using namespace nvme::status;

class DeviceModelLife : public DeviceModel {
  protected:
    static nvme::Status put_part(Machine &vf, nvme::Sequence sequence, std::size_t offset,
                                 ByteView bytes) {
        return pf()
            .set_state(pf().piece(vf.cntlid(), ByteOffset{offset}, bytes.size()), sequence, bytes)
            .status;
    }
};

TEST_F(DeviceModelLife, FunctionLevelResetEndsSuspension) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    vf.device().reset();
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
    Guest &again = boot(vf);
    again.write_and_verify(again.queue(), Lba{0}, 1);
}

TEST_F(DeviceModelLife, ControllerResetEndsSuspension) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    suspend(vf);
    guest.driver().disable();
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
    Guest &again = boot(vf);
    again.write_and_verify(again.queue(), Lba{0}, 2);
}

TEST_F(DeviceModelLife, ResetWithOutstandingCommands) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    suspend(vf);
    const nvme::DataBuffer data = guest.buffer();
    data.fill(5, 4096);
    for (unsigned i = 0; i < 10; ++i)
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{i}, 1, data);
    vf.device().reset();
    Guest &again = boot(vf);
    again.write_and_verify(again.queue(), Lba{0}, 3);
    EXPECT_EQ(data.mismatch(5, 4096), std::nullopt) << "a command of before the reset was run";
}

TEST_F(DeviceModelLife, FunctionLevelResetDropsHalfSentState) {
    Machine &vf = open(0);
    boot(vf);
    const nvme::ControllerState state = take_state(vf);
    const ByteView bytes = state.bytes();
    vf.device().reset();
    suspend(vf);
    ASSERT_EQ(put_part(vf, nvme::Sequence::first, 0, bytes.first(48)), success);
    vf.device().reset();
    suspend(vf);
    EXPECT_NE(put_part(vf, nvme::Sequence::last, 48, bytes.subspan(48)), success);
    resume(vf);
}

TEST_F(DeviceModelLife, NoResumeWithAHalfSentState) {
    Machine &vf = open(0);
    boot(vf);
    const nvme::ControllerState state = take_state(vf);
    const ByteView bytes = state.bytes();
    vf.device().reset();
    suspend(vf);
    ASSERT_EQ(put_part(vf, nvme::Sequence::first, 0, bytes.first(48)), success);
    EXPECT_EQ(pf().resume(vf.cntlid()).status, command_sequence_error);
    EXPECT_EQ(put_part(vf, nvme::Sequence::last, 48, bytes.subspan(48)), success)
        << "what had come stayed";
    resume(vf);
    vf.device().reset();
    Guest &guest = boot(vf);
    guest.write_and_verify(guest.queue(), Lba{0}, 4);
}

TEST_F(DeviceModelLife, ResumeAfterARefusedState) {
    Machine &vf = open(0);
    suspend(vf);
    EXPECT_EQ(put_part(vf, nvme::Sequence::entire, 0, Bytes(64, std::byte{0xff})), invalid_field);
    resume(vf);
    Guest &guest = boot(vf);
    guest.write_and_verify(guest.queue(), Lba{0}, 5);
}

TEST_F(DeviceModelLife, ResetDropsLoadedState) {
    Machine &vf = open(0);
    boot(vf);
    const nvme::ControllerState state = take_state(vf);
    vf.device().reset();
    suspend(vf);
    ASSERT_EQ(set_entire(vf.cntlid(), state.bytes()), success);
    vf.device().reset();
    const nvme::ControllerState after = take_state(vf);
    EXPECT_TRUE(after.submission_queues().empty());
    resume(vf);
}

TEST_F(DeviceModelLife, OfflineFunctionLosesSuspension) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    using nvme::SecondaryAction;
    pf().require(nvme::virtualization_management(vf.cntlid(), SecondaryAction::offline));
    EXPECT_EQ(pf().resume(vf.cntlid()).status, invalid_controller_identifier);
    // Offline controllers give their resources back.
    pf().require(nvme::virtualization_management(vf.cntlid(), SecondaryAction::assign,
                                                 nvme::ResourceType::queues, vf.function().queues));
    pf().require(nvme::virtualization_management(vf.cntlid(), SecondaryAction::assign,
                                                 nvme::ResourceType::interrupts,
                                                 vf.function().interrupts));
    pf().require(nvme::virtualization_management(vf.cntlid(), SecondaryAction::online));
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
}

TEST_F(DeviceModelLife, DisablingSriovEndsSuspensionAndDropsHalfSentState) {
    const Cntlid cntlid = the_rig().function(0).cntlid;
    ASSERT_EQ(pf().suspend(cntlid).status, success);
    const Bytes state = pf().read_whole_state(cntlid);
    const ByteView bytes = state;
    ASSERT_EQ(pf().set_state(pf().piece(cntlid, ByteOffset{0}, 48), nvme::Sequence::first,
                             bytes.first(48))
                  .status,
              success);
    the_rig().recreate();
    ASSERT_EQ(the_rig().function(0).cntlid, cntlid);
    EXPECT_EQ(pf().resume(cntlid).status, controller_not_suspended);
    ASSERT_EQ(pf().suspend(cntlid).status, success);
    EXPECT_NE(pf().set_state(pf().piece(cntlid, ByteOffset{48}, bytes.size() - 48),
                             nvme::Sequence::last, bytes.subspan(48))
                  .status,
              success);
    ASSERT_EQ(pf().resume(cntlid).status, success);
}

} // namespace lm::test
