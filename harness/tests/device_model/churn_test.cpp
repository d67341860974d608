// SPDX-License-Identifier: GPL-2.0-only
/// Device memory that changes by command: boot with hmlm-churn=on,
/// hmlm-mem-size=3M, hmlm-mem-max=8M and hmlm-mem-rate=0.
#include "device_model/fixture.hpp"
#include "nvme/churn.hpp"

#include <set>
#include <thread>

namespace lm::test {

using namespace nvme::status;

class DeviceChurn : public DeviceModel {
  protected:
    static constexpr std::size_t first_size = std::size_t{3} << 20;
    static constexpr std::size_t most = std::size_t{8} << 20;
    static constexpr std::size_t piece_size = 64 * 1024;
    /// Where device memory starts with as few queues as this test has.
    static constexpr std::size_t memory_at = 64 * 1024;

    static std::size_t memory_size(ByteView state) {
        // VSD header behind the header (48 bytes) and NVMECS: mem_len at 24
        const std::size_t vsd = 48 + 4 * load<std::uint64_t>(state, 16);
        return load<std::uint64_t>(state, vsd + 24);
    }
    static ByteView memory(ByteView state) { return slice(state, memory_at, memory_size(state)); }

    static std::set<std::size_t> changed_blocks(ByteView before, ByteView after) {
        std::set<std::size_t> blocks;
        const ByteView a = memory(before);
        const ByteView b = memory(after);
        for (std::size_t at = 0; at < std::min(a.size(), b.size()); at += nvme::memory_block) {
            const std::size_t size =
                std::min<std::size_t>(nvme::memory_block, std::min(a.size(), b.size()) - at);
            if (!std::ranges::equal(a.subspan(at, size), b.subspan(at, size)))
                blocks.insert(at / nvme::memory_block);
        }
        return blocks;
    }

    static Bytes state_of(Machine &vf) { return pf().read_whole_state(vf.cntlid()); }

    static void touch(Machine &vf, std::uint32_t first, std::uint32_t count,
                      std::uint32_t stride = 1) {
        pf().require(nvme::touch_memory(vf.cntlid(), first, count, stride));
    }
    static void resize(Machine &vf, std::uint64_t size) {
        pf().require(nvme::resize_memory(vf.cntlid(), size));
    }

    static nvme::Status put(Machine &vf, nvme::Sequence sequence, std::size_t offset,
                            ByteView bytes) {
        return pf()
            .set_state(pf().piece(vf.cntlid(), ByteOffset{offset}, bytes.size()), sequence, bytes)
            .status;
    }
    /// Send all of @state as middle pieces, from its end to its start.
    static void send_backwards(Machine &vf, ByteView state) {
        for (std::size_t end = state.size(); end;) {
            const std::size_t at = (end - 1) / piece_size * piece_size;
            ASSERT_EQ(put(vf, nvme::Sequence::middle, at, state.subspan(at, end - at)), success)
                << "at " << at;
            end = at;
        }
    }
    /// Begin a sequence at @vf with a whole state, without ending it.
    static void begin_with(Machine &vf, ByteView state) {
        ASSERT_EQ(put(vf, nvme::Sequence::first, 0, state.first(48)), success);
        send_backwards(vf, state);
    }
    static nvme::Status commit(Machine &vf) { return put(vf, nvme::Sequence::last, 0, {}); }
};

TEST_F(DeviceChurn, NothingChangesByItself) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes before = state_of(vf);
    ASSERT_EQ(memory(before).size(), first_size);
    std::this_thread::sleep_for(silence);
    EXPECT_EQ(changed_blocks(before, state_of(vf)), std::set<std::size_t>{});
}

TEST_F(DeviceChurn, TouchChangesTheseBlocksAndNoOther) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes before = state_of(vf);
    touch(vf, 3, 5, 7);
    EXPECT_EQ(changed_blocks(before, state_of(vf)), (std::set<std::size_t>{3, 10, 17, 24, 31}));
}

TEST_F(DeviceChurn, TouchOfNoneChangesNothing) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes before = state_of(vf);
    touch(vf, 3, 0, 7);
    EXPECT_EQ(changed_blocks(before, state_of(vf)), std::set<std::size_t>{});
}

TEST_F(DeviceChurn, TouchGoesAround) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes before = state_of(vf);
    touch(vf, 766, 4);
    EXPECT_EQ(changed_blocks(before, state_of(vf)), (std::set<std::size_t>{0, 1, 766, 767}));
}

TEST_F(DeviceChurn, TouchOfOneFunctionLeavesTheOther) {
    Machine &a = open(0);
    Machine &b = open(1);
    boot(a);
    boot(b);
    const Bytes before = state_of(b);
    touch(a, 0, 768);
    EXPECT_EQ(changed_blocks(before, state_of(b)), std::set<std::size_t>{});
}

TEST_F(DeviceChurn, EachTouchGivesOtherContents) {
    Machine &vf = open(0);
    boot(vf);
    std::set<Bytes> seen;
    for (unsigned i = 0; i < 10; ++i) {
        const Bytes state = state_of(vf);
        const ByteView block = memory(state).first(nvme::memory_block);
        seen.emplace(block.begin(), block.end());
        touch(vf, 0, 1);
    }
    EXPECT_EQ(seen.size(), 10U);
}

TEST_F(DeviceChurn, SizeIsWhatWasAskedFor) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes before = state_of(vf);
    for (std::size_t size : {std::size_t{0}, std::size_t{4}, std::size_t{4096}, std::size_t{4100},
                             first_size - 4, first_size, first_size + 4, most}) {
        resize(vf, size);
        const Bytes now = state_of(vf);
        EXPECT_EQ(memory(now).size(), size);
        EXPECT_EQ(now.size() - size, before.size() - first_size) << "the rest of the state";
    }
}

TEST_F(DeviceChurn, WhatStaysWhenItGrowsIsAsItWas) {
    Machine &vf = open(0);
    boot(vf);
    touch(vf, 0, 100, 5);
    const Bytes before = state_of(vf);
    resize(vf, most);
    EXPECT_EQ(changed_blocks(before, state_of(vf)), std::set<std::size_t>{});
}

TEST_F(DeviceChurn, ResetGivesTheFirstSize) {
    Machine &vf = open(0);
    boot(vf);
    resize(vf, most);
    vf.device().reset();
    EXPECT_EQ(memory(state_of(vf)).size(), first_size);
}

TEST_F(DeviceChurn, ChangedMemoryOfAnySizeTravels) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    for (std::size_t size :
         {std::size_t{0}, std::size_t{4}, std::size_t{12292}, first_size + 4096, most}) {
        resize(a, size);
        if (size)
            touch(a, 0, 1000, 3);
        const nvme::ControllerState state = take_state(a);
        reset(b);
        give_state(b, state.bytes());
        EXPECT_EQ(difference(state_of(b), state.bytes()), "") << size << " bytes of memory";
        resume(a);
    }
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

TEST_F(DeviceChurn, PiecesInAnyOrderReplacedLater) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    suspend(b);
    begin_with(b, state_of(a));
    touch(a, 5, 50, 11);
    const nvme::ControllerState state = take_state(a);
    send_backwards(b, state.bytes());
    ASSERT_EQ(commit(b), success);
    EXPECT_EQ(difference(state_of(b), state.bytes()), "");
    guest.move_to(b);
    resume(b);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

TEST_F(DeviceChurn, StateMayShrinkBetweenPasses) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    resize(a, most);
    suspend(b);
    begin_with(b, state_of(a));
    resize(a, first_size / 2 + 4);
    const nvme::ControllerState state = take_state(a);
    send_backwards(b, state.bytes());
    ASSERT_EQ(commit(b), success);
    EXPECT_EQ(difference(state_of(b), state.bytes()), "");
    guest.move_to(b);
    resume(b);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

TEST_F(DeviceChurn, StateMayGrowBetweenPasses) {
    Machine &a = open(0);
    Machine &b = open(1);
    boot(a);
    resize(a, 4100);
    suspend(b);
    begin_with(b, state_of(a));
    resize(a, most);
    const nvme::ControllerState state = take_state(a);
    send_backwards(b, state.bytes());
    ASSERT_EQ(commit(b), success);
    EXPECT_EQ(difference(state_of(b), state.bytes()), "");
}

TEST_F(DeviceChurn, BlockOfAnEarlierPassIsRefused) {
    Machine &a = open(0);
    Machine &b = open(1);
    boot(a);
    suspend(b);
    const Bytes running = state_of(a);
    begin_with(b, running);
    touch(a, 700, 1);
    const nvme::ControllerState state = take_state(a);
    const ByteView bytes = state.bytes();
    // everything but the block that changed
    ASSERT_EQ(put(b, nvme::Sequence::middle, 0, bytes.first(memory_at)), success);
    const std::size_t behind = memory_at + first_size;
    ASSERT_EQ(put(b, nvme::Sequence::middle, behind, bytes.subspan(behind)), success);
    EXPECT_EQ(commit(b), invalid_field);
    EXPECT_EQ(memory(state_of(b)).size(), first_size);
}

TEST_F(DeviceChurn, LastPieceBeyondTheEndIsRefused) {
    Machine &a = open(0);
    Machine &b = open(1);
    boot(a);
    suspend(b);
    const nvme::ControllerState state = take_state(a);
    begin_with(b, state.bytes());
    const Bytes more(8);
    EXPECT_EQ(put(b, nvme::Sequence::last, state.bytes().size() - 4, more), invalid_field);
}

TEST_F(DeviceChurn, SuspendedMemoryStands) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes before = take_state(vf).bytes();
    EXPECT_EQ(pf().submit(nvme::touch_memory(vf.cntlid(), 0, 1)).status, controller_suspended);
    EXPECT_EQ(pf().submit(nvme::resize_memory(vf.cntlid(), 0)).status, controller_suspended);
    EXPECT_EQ(difference(before, state_of(vf)), "");
    resume(vf);
}

TEST_F(DeviceChurn, BadFieldsAreRefused) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes before = state_of(vf);
    EXPECT_EQ(pf().submit(nvme::touch_memory(vf.cntlid(), 768, 1)).status, invalid_field);
    EXPECT_EQ(pf().submit(nvme::touch_memory(vf.cntlid(), 0, ~0U)).status, invalid_field);
    for (std::uint64_t size : {std::uint64_t{1}, std::uint64_t{4095}, std::uint64_t{most} + 4,
                               std::uint64_t{1} << 32, ~std::uint64_t{3}})
        EXPECT_EQ(pf().submit(nvme::resize_memory(vf.cntlid(), size)).status, invalid_field)
            << size;
    resize(vf, 0);
    EXPECT_EQ(pf().submit(nvme::touch_memory(vf.cntlid(), 0, 1)).status, invalid_field)
        << "there is no block 0";
    resize(vf, first_size);
    EXPECT_EQ(changed_blocks(before, state_of(vf)), std::set<std::size_t>{});
}

TEST_F(DeviceChurn, UnknownControllerIsRefused) {
    EXPECT_EQ(pf().submit(nvme::touch_memory(Cntlid{0x7ff}, 0, 1)).status,
              invalid_controller_identifier);
    EXPECT_EQ(pf().submit(nvme::resize_memory(Cntlid{0x7ff}, 0)).status,
              invalid_controller_identifier);
}

TEST_F(DeviceChurn, FunctionCannotDoItToItself) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    const nvme::DataBuffer data = guest.buffer();
    for (const nvme::Sqe &sqe :
         {nvme::touch_memory(vf.cntlid(), 0, 1), nvme::resize_memory(vf.cntlid(), 0)})
        EXPECT_EQ(guest.driver().admin_with_data(sqe, data, 4096).status(), invalid_opcode);
}

} // namespace lm::test
