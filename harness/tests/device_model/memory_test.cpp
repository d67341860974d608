// SPDX-License-Identifier: GPL-2.0-only
/// Device memory in the state: run with a PF that has some, e.g. hmlm-mem-size=3M.
#include "device_model/fixture.hpp"

#include <thread>

namespace lm::test {

using namespace nvme::status;

class DeviceMemory : public DeviceModel {
  protected:
    static constexpr std::size_t least = std::size_t{1} << 20;

    static void expect_memory(ByteView state) {
        ASSERT_GT(state.size(), least)
            << "this test wants device memory: boot with the PF property hmlm-mem-size=3M";
    }
};

TEST_F(DeviceMemory, ChangesWhileItRuns) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes once = pf().read_whole_state(vf.cntlid());
    ASSERT_NO_FATAL_FAILURE(expect_memory(once));
    std::this_thread::sleep_for(silence);
    EXPECT_NE(difference(once, pf().read_whole_state(vf.cntlid())), "");
}

TEST_F(DeviceMemory, StaysWhileItIsSuspended) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes once = take_state(vf).bytes();
    ASSERT_NO_FATAL_FAILURE(expect_memory(once));
    std::this_thread::sleep_for(silence);
    EXPECT_EQ(difference(once, pf().read_whole_state(vf.cntlid(), 128 * 1024)), "");
    EXPECT_EQ(difference(once, pf().read_whole_state(vf.cntlid(), 4096 + 4)), "");
    resume(vf);
}

TEST_F(DeviceMemory, TravelsWithTheGuest) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    guest.write(guest.queue(), Lba{0}, 1);
    const nvme::ControllerState state = take_state(a);
    ASSERT_NO_FATAL_FAILURE(expect_memory(state.bytes()));
    give_state(b, state.bytes());
    EXPECT_EQ(difference(pf().read_whole_state(b.cntlid()), state.bytes()), "");
    guest.move_to(b);
    resume(b);
    guest.verify(guest.queue(), Lba{0}, 1);
}

TEST_F(DeviceMemory, DamagedIsRefused) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    Bytes state = take_state(a).bytes();
    ASSERT_NO_FATAL_FAILURE(expect_memory(state));
    suspend(b);
    state.at(state.size() / 2) ^= std::byte{1};
    EXPECT_NE(pf().write_whole_state(b.cntlid(), state).status, success);
    state.at(state.size() / 2) ^= std::byte{1};
    EXPECT_EQ(pf().write_whole_state(b.cntlid(), state).status, success);
    guest.move_to(b);
    resume(b);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

} // namespace lm::test
