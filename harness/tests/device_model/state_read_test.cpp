// SPDX-License-Identifier: GPL-2.0-only
/// Get Controller State, checked against what the guest knows of its own queues.
#include "device_model/fixture.hpp"
#include "util/deadline.hpp"

#include <thread>

namespace lm::test {

using namespace nvme::status;

class DeviceModelGet : public DeviceModel {
  protected:
    /// The status of reading @bytes at @offset, after @change to the command.
    template <typename Change>
    static nvme::Status get(Cntlid cntlid, ByteOffset offset, std::size_t bytes, Change change) {
        Bytes data(bytes);
        nvme::Sqe sqe = nvme::get_controller_state(pf().piece(cntlid, offset, bytes));
        change(sqe);
        return pf().submit(sqe, data).status;
    }
    static nvme::Status get(Cntlid cntlid, ByteOffset offset, std::size_t bytes = 64) {
        return get(cntlid, offset, bytes, [](nvme::Sqe &) {});
    }

    static void expect_same(const nvme::ControllerState &state, nvme::QueuePair &queue,
                            std::size_t index) {
        const nvme::SqState &sq = state.submission_queues().at(index);
        EXPECT_EQ(sq.prp1, queue.sq_iova());
        EXPECT_EQ(sq.size, queue.options().sq_entries - 1);
        EXPECT_EQ(sq.id, queue.id());
        EXPECT_EQ(sq.cq, queue.id());
        EXPECT_TRUE(sq.contiguous);
        EXPECT_EQ(sq.tail, queue.sq_tail());
        const nvme::CqState &cq = state.completion_queues().at(index);
        EXPECT_EQ(cq.prp1, queue.cq_iova());
        EXPECT_EQ(cq.size, queue.options().cq_entries - 1);
        EXPECT_EQ(cq.id, queue.id());
        EXPECT_TRUE(cq.contiguous);
        EXPECT_EQ(cq.interrupts, queue.options().interrupts);
        EXPECT_EQ(cq.vector, queue.options().vector);
        EXPECT_EQ(cq.head, queue.cq_head());
    }
};

TEST_F(DeviceModelGet, DisabledControllerHasNoQueues) {
    Machine &vf = open(0);
    const nvme::ControllerState state = take_state(vf);
    EXPECT_TRUE(state.submission_queues().empty());
    EXPECT_TRUE(state.completion_queues().empty());
    EXPECT_EQ(state.nvmecs().size(), nvme::ControllerState::nvmecs_header_size);
    resume(vf);
}

TEST_F(DeviceModelGet, RunningStateSaysSo) {
    Machine &vf = open(0);
    boot(vf);
    Bytes header(48);
    const nvme::Completion completion =
        pf().get_state(pf().piece(vf.cntlid(), ByteOffset{0}, header.size()), header);
    ASSERT_EQ(completion.status, success);
    EXPECT_FALSE(nvme::was_suspended(static_cast<std::uint32_t>(completion.result))) << "CSUP";
    EXPECT_EQ(load<std::uint8_t>(header, 2) & 1, 0) << "CSATTR";
}

TEST_F(DeviceModelGet, SuspendedStateSaysSo) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    Bytes header(48);
    const nvme::Completion completion =
        pf().get_state(pf().piece(vf.cntlid(), ByteOffset{0}, header.size()), header);
    ASSERT_EQ(completion.status, success);
    EXPECT_TRUE(nvme::was_suspended(static_cast<std::uint32_t>(completion.result))) << "CSUP";
    EXPECT_EQ(load<std::uint8_t>(header, 2) & 1, 1) << "CSATTR";
    resume(vf);
}

TEST_F(DeviceModelGet, RunningControllerIsReadWholeAndGoesOn) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    guest.write(guest.queue(), Lba{0}, 1);
    const nvme::ControllerState state{pf().read_whole_state(vf.cntlid())};
    EXPECT_FALSE(state.suspended());
    expect_same(state, guest.queue(), 0);
    guest.write_and_verify(guest.queue(), Lba{0}, 2);
}

TEST_F(DeviceModelGet, QueuesAreWhatTheGuestMade) {
    Machine &vf = open(0);
    const auto pairs = static_cast<unsigned>(vf.function().queues - 1);
    std::vector<nvme::QueueOptions> options = queue_pairs(pairs, vf, 16, 16, true);
    for (std::size_t i = 0; i < options.size(); ++i) {
        options[i].sq_entries = static_cast<std::uint16_t>(16 + i);
        options[i].cq_entries = static_cast<std::uint16_t>(32 + 3 * i);
        options[i].interrupts = i % 2 == 0;
    }
    Guest &guest = boot(vf, options);
    for (std::uint16_t id = 1; id <= pairs; ++id)
        for (unsigned i = 0; i < id; ++i)
            guest.write(guest.queue(id), Lba{i}, id);
    const nvme::ControllerState state = take_state(vf);
    ASSERT_EQ(state.submission_queues().size(), pairs);
    ASSERT_EQ(state.completion_queues().size(), pairs);
    for (std::uint16_t id = 1; id <= pairs; ++id) {
        SCOPED_TRACE(testing::Message() << "queue pair " << id);
        expect_same(state, guest.queue(id), id - 1U);
        EXPECT_EQ(state.submission_queues()[id - 1U].head, guest.queue(id).sq_tail());
        EXPECT_EQ(state.completion_queues()[id - 1U].tail, guest.queue(id).cq_head());
    }
    resume(vf);
}

TEST_F(DeviceModelGet, QueueDeletedIsGone) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    guest.driver().delete_io_pair(QueueId{1});
    const nvme::ControllerState state = take_state(vf);
    EXPECT_TRUE(state.submission_queues().empty());
    EXPECT_TRUE(state.completion_queues().empty());
    resume(vf);
}

TEST_F(DeviceModelGet, PhaseOfSlotZeroIsTheOneInMemory) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, queue_pairs(1, vf, 8, 5));
    for (unsigned completions = 0; completions < 12; ++completions) {
        const nvme::ControllerState state = take_state(vf);
        EXPECT_EQ(state.completion_queues().at(0).slot0_phase, guest.queue().slot0_phase())
            << "after " << completions << " completions in a queue of 5";
        EXPECT_EQ(state.completion_queues().at(0).tail, completions % 5);
        resume(vf);
        guest.write(guest.queue(), Lba{0}, completions, 1);
    }
}

TEST_F(DeviceModelGet, CommandsNotFetchedAreBetweenHeadAndTail) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    suspend(vf);
    const nvme::DataBuffer data = guest.buffer();
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 7; ++i)
        cids.push_back(
            guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{i}, 1, data));
    const nvme::ControllerState state{pf().read_whole_state(vf.cntlid())};
    EXPECT_EQ(state.submission_queues().at(0).head, 0);
    EXPECT_EQ(state.submission_queues().at(0).tail, 7);
    resume(vf);
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
}

TEST_F(DeviceModelGet, CompletionsNotTakenAreBetweenHeadAndTail) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, queue_pairs(1, vf, 16, 16));
    const nvme::DataBuffer data = guest.buffer();
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 5; ++i)
        cids.push_back(
            guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{i}, 1, data));
    std::this_thread::sleep_for(silence);
    const nvme::ControllerState state = take_state(vf);
    EXPECT_EQ(state.completion_queues().at(0).head, 0);
    EXPECT_EQ(state.completion_queues().at(0).tail, 5);
    resume(vf);
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
}

TEST_F(DeviceModelGet, SuspendedStateIsStable) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    guest.write(guest.queue(), Lba{0}, 1);
    const nvme::ControllerState once = take_state(vf);
    std::this_thread::sleep_for(silence);
    EXPECT_EQ(difference(once.bytes(), pf().read_whole_state(vf.cntlid())), "");
    resume(vf);
}

TEST_F(DeviceModelGet, AnyPieceIsPartOfTheWhole) {
    Machine &vf = open(0);
    boot(vf);
    const Bytes whole = take_state(vf).bytes();
    for (std::size_t chunk : {4UL, 12UL, 52UL, 500UL, 1020UL})
        EXPECT_EQ(difference(pf().read_whole_state(vf.cntlid(), chunk), whole), "")
            << "pieces of " << chunk;
    for (std::size_t at = 0; at + 4 <= whole.size(); at += 4) {
        Bytes dword(4);
        ASSERT_EQ(pf().get_state(pf().piece(vf.cntlid(), ByteOffset{at}, 4), dword).status,
                  success);
        ASSERT_EQ(load<std::uint32_t>(dword, 0), load<std::uint32_t>(whole, at)) << "at " << at;
    }
    resume(vf);
}

TEST_F(DeviceModelGet, MisalignedOffsetIsRefused) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    for (std::uint64_t offset : {1U, 2U, 3U, 5U, 49U})
        EXPECT_EQ(get(vf.cntlid(), ByteOffset{offset}), invalid_field) << "offset " << offset;
    resume(vf);
}

TEST_F(DeviceModelGet, OffsetFarBeyondTheStateIsRefused) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    for (std::uint64_t offset : {std::uint64_t{1} << 20, std::uint64_t{1} << 32,
                                 std::uint64_t{1} << 63, ~std::uint64_t{3}})
        EXPECT_EQ(get(vf.cntlid(), ByteOffset{offset}), invalid_field) << "offset " << offset;
    resume(vf);
}

/// Each part of a state is there only when its index is not 0.
TEST_F(DeviceModelGet, PartsThatNobodyAskedForAreNotThere) {
    Machine &vf = open(0);
    boot(vf);
    const nvme::ControllerState whole = take_state(vf);
    const auto part = [&](std::uint8_t version, std::uint8_t uuid, std::size_t bytes) {
        nvme::StatePiece piece = pf().piece(vf.cntlid(), ByteOffset{0}, bytes);
        piece.version_index = version;
        piece.uuid_index = uuid;
        Bytes data(bytes);
        EXPECT_EQ(pf().get_state(piece, data).status, success);
        return data;
    };
    const std::size_t header = 48;
    const ByteView queues = whole.nvmecs();
    const ByteView vendor = whole.vendor_specific();

    Bytes data = part(1, 0, header + queues.size());
    EXPECT_EQ(load<std::uint64_t>(data, 16), queues.size() / 4) << "NVMECSS";
    EXPECT_EQ(load<std::uint64_t>(data, 32), 0U) << "VSS";
    EXPECT_TRUE(std::ranges::equal(ByteView{data}.subspan(header), queues));

    data = part(0, 1, header + vendor.size());
    EXPECT_EQ(load<std::uint64_t>(data, 16), 0U) << "NVMECSS";
    EXPECT_EQ(load<std::uint64_t>(data, 32), vendor.size() / 4) << "VSS";
    EXPECT_TRUE(std::ranges::equal(ByteView{data}.subspan(header), vendor));

    data = part(0, 0, header);
    EXPECT_TRUE(all_zero(ByteView{data}.subspan(16))) << "no part at all";
    EXPECT_EQ(load<std::uint8_t>(data, 2) & 1, 1) << "CSATTR";
    resume(vf);
}

TEST_F(DeviceModelGet, TheEndOfTheStateIsNotBeyondIt) {
    Machine &vf = open(0);
    boot(vf);
    const std::size_t size = take_state(vf).bytes().size();
    EXPECT_EQ(get(vf.cntlid(), ByteOffset{size - 4}, 64), success);
    EXPECT_EQ(get(vf.cntlid(), ByteOffset{size}, 4), success);
    EXPECT_EQ(get(vf.cntlid(), ByteOffset{size + 4}, 4), invalid_field);
    resume(vf);
}

TEST_F(DeviceModelGet, UnknownVersionIndexIsRefused) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    const std::size_t known = pf().state_formats().versions.size();
    for (std::size_t index : {known + 1, std::size_t{200}, std::size_t{255}})
        EXPECT_EQ(get(vf.cntlid(), ByteOffset{0}, 64,
                      [=](nvme::Sqe &sqe) {
                          sqe.cdw10 = (sqe.cdw10 & ~0xff0000U) | static_cast<std::uint32_t>(index)
                                                                     << 16;
                      }),
                  invalid_field)
            << "CSVI " << index;
    resume(vf);
}

TEST_F(DeviceModelGet, UnknownUuidIndexIsRefused) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    const std::size_t known = pf().state_formats().uuids.size();
    for (std::size_t index : {known + 1, std::size_t{255}})
        EXPECT_EQ(get(vf.cntlid(), ByteOffset{0}, 64,
                      [=](nvme::Sqe &sqe) {
                          sqe.cdw11 = (sqe.cdw11 & ~0xff0000U) | static_cast<std::uint32_t>(index)
                                                                     << 16;
                      }),
                  invalid_field)
            << "CSUUIDI " << index;
    resume(vf);
}

} // namespace lm::test
