// SPDX-License-Identifier: GPL-2.0-only
/// A guest that is migrated while it works.
#include "migration/fixture.hpp"
#include "util/deadline.hpp"

#include <algorithm>
#include <thread>

namespace lm::test {

using namespace nvme::status;
using MigrationMove = MigrationTest;

TEST_F(MigrationMove, GuestGoesOn) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine);
    guest.write(guest.queue(), Lba{0}, 1);
    move(guest, a, b);
    guest.verify(guest.queue(), Lba{0}, 1);
    guest.write_and_verify(guest.queue(), Lba{8}, 2);
}

TEST_F(MigrationMove, ThereAndBackManyTimes) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine);
    for (unsigned round = 0; round < 5; ++round) {
        move(guest, a, b);
        guest.write_and_verify(guest.queue(), Lba{0}, 10 + round);
        reset(a);
        move(guest, b, a);
        guest.verify(guest.queue(), Lba{0}, 10 + round);
        reset(b);
    }
}

TEST_F(MigrationMove, RoundOfThreeFunctions) {
    if (the_rig().functions() < 3)
        GTEST_SKIP() << "needs three functions: --vfs 3";
    std::vector<Endpoint> ends{endpoint(0), endpoint(1), endpoint(2)};
    Guest &guest = boot(ends[0].machine);
    for (unsigned step = 0; step < 6; ++step) {
        Endpoint &from = ends[step % 3];
        guest.write(guest.queue(), Lba{step}, step, 1);
        move(guest, from, ends[(step + 1) % 3]);
        guest.verify(guest.queue(), Lba{step}, step, 1);
        reset(from);
    }
}

TEST_F(MigrationMove, DestinationOpenedWhereTheSourceWasClosed) {
    Endpoint a = endpoint(0);
    Guest &guest = boot(a.machine);
    guest.write(guest.queue(), Lba{0}, 5);
    const Bytes stream = a.migration.save();
    close(a.machine);
    Endpoint b = endpoint(0);
    b.migration.load(stream);
    guest.move_to(b.machine);
    b.migration.set(State::running);
    guest.verify(guest.queue(), Lba{0}, 5);
}

TEST_F(MigrationMove, OutstandingCommandsCompleteExactlyOnce) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine);
    const nvme::DataBuffer data = guest.buffer(32 * 1024);
    Endpoint *here = &a;
    Endpoint *there = &b;
    for (unsigned round = 0; round < 6; ++round) {
        std::vector<Cid> cids;
        for (unsigned i = 0; i < 48; ++i)
            cids.push_back(guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(),
                                                    Lba{i}, 32, data));
        move(guest, *here, *there);
        for (Cid cid : cids)
            EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
        EXPECT_EQ(guest.queue().outstanding(), 0U);
        reset(*here);
        std::swap(here, there);
    }
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(guest.queue().pending());
}

TEST_F(MigrationMove, OutstandingWritesArriveOnceAndWhole) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine);
    const std::uint16_t blocks = 16;
    const std::size_t size = std::size_t{blocks} * guest.disk().block_size;
    std::vector<nvme::DataBuffer> buffers;
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 32; ++i) {
        buffers.push_back(guest.buffer(size));
        buffers.back().fill(1000 + i, size);
        cids.push_back(guest.driver().submit_io(guest.queue(), nvme::Io::write, guest.disk(),
                                                Lba{blocks * std::uint64_t{i}}, blocks,
                                                buffers.back()));
    }
    move(guest, a, b);
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
    for (unsigned i = 0; i < 32; ++i)
        guest.verify(guest.queue(), Lba{blocks * std::uint64_t{i}}, 1000 + i, blocks);
}

TEST_F(MigrationMove, FullCompletionQueue) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine, queue_pairs(1, a.machine, 32, 4));
    nvme::QueuePair &queue = guest.queue();
    const nvme::DataBuffer data = guest.buffer();
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 20; ++i)
        cids.push_back(
            guest.driver().submit_io(queue, nvme::Io::read, guest.disk(), Lba{i}, 1, data));
    wait_until([&] { return queue.pending(); }, "the first completion");
    std::this_thread::sleep_for(silence);
    move(guest, a, b);
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(queue, cid).status(), success);
    EXPECT_EQ(queue.outstanding(), 0U);
}

TEST_F(MigrationMove, PhaseWrapAtEveryPosition) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine, queue_pairs(1, a.machine, 4, 3));
    Endpoint *here = &a;
    Endpoint *there = &b;
    for (unsigned step = 0; step < 13; ++step) {
        guest.write_and_verify(guest.queue(), Lba{step}, step, 1);
        guest.write(guest.queue(), Lba{step}, step + 100, 1);
        move(guest, *here, *there);
        guest.verify(guest.queue(), Lba{step}, step + 100, 1);
        reset(*here);
        std::swap(here, there);
    }
}

TEST_F(MigrationMove, AdminQueueGoesOn) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine);
    move(guest, a, b);
    for (unsigned i = 0; i < 100; ++i)
        guest.driver().admin_require(nvme::get_feature(nvme::Feature::arbitration));
    guest.driver().delete_io_pair(QueueId{1});
    nvme::QueuePair &queue = guest.driver().create_io_pair(queue_pairs(1, b.machine).front());
    guest.write_and_verify(queue, Lba{0}, 1);
}

TEST_F(MigrationMove, InterruptsGoOn) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine, queue_pairs(1, a.machine, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    move(guest, a, b);
    b.machine.interrupts().take(vector);
    guest.write(guest.queue(), Lba{0}, 1);
    EXPECT_TRUE(b.machine.interrupts().wait(vector, patience));
}

TEST_F(MigrationMove, InterruptsEnabledOnlyAfterTheLoad) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine, queue_pairs(1, a.machine, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    const Bytes stream = a.migration.save();
    b.machine.device().disable_msix();
    b.migration.load(stream);
    b.machine.device().enable_msix(b.machine.interrupts());
    guest.move_to(b.machine);
    b.migration.set(State::running);
    b.machine.interrupts().take(vector);
    guest.write(guest.queue(), Lba{0}, 1);
    EXPECT_TRUE(b.machine.interrupts().wait(vector, patience));
}

TEST_F(MigrationMove, WaitingCompletionInterruptsAtTheDestination) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine, queue_pairs(1, a.machine, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    a.migration.set(State::stop);
    const nvme::DataBuffer data = guest.buffer();
    const Cid cid =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    move(guest, a, b);
    EXPECT_TRUE(b.machine.interrupts().wait(vector, patience));
    EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
}

TEST_F(MigrationMove, NothingMovesInMemoryWhileStopped) {
    Endpoint a = endpoint(0);
    Guest &guest = boot(a.machine);
    const nvme::DataBuffer data = guest.buffer(64 * 1024);
    for (unsigned i = 0; i < 40; ++i)
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 64, data);
    migration::DataFile file = a.migration.set_with_file(State::stop_copy);
    guest.driver().reap(guest.queue());
    data.fill(77, data.bytes().size());
    file.read_all();
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(guest.queue().pending());
    EXPECT_EQ(data.mismatch(77, data.bytes().size()), std::nullopt);
}

TEST_F(MigrationMove, BystanderIsNotTouched) {
    if (the_rig().functions() < 3)
        GTEST_SKIP() << "needs three functions: --vfs 3";
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Endpoint c = endpoint(2);
    Guest &guest = boot(a.machine);
    Guest &bystander = boot(c.machine);
    std::atomic<bool> done = false;
    {
        std::jthread work{[&] {
            for (unsigned i = 0; !done; ++i)
                bystander.write_and_verify(bystander.queue(), Lba{512}, i);
        }};
        for (unsigned i = 0; i < 3; ++i) {
            move(guest, a, b);
            reset(a);
            move(guest, b, a);
            reset(b);
        }
        done = true;
    }
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

/// How many I/O queue pairs a guest has.
class MigrationMoveMany : public MigrationTest, public testing::WithParamInterface<unsigned> {};

TEST_P(MigrationMoveMany, QueuePairs) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    if (a.machine.function().queues <= GetParam())
        GTEST_SKIP() << "a function has " << a.machine.function().queues - 1
                     << " I/O queue pairs here";
    Guest &guest = boot(a.machine, queue_pairs(GetParam(), a.machine, 16, 16));
    const nvme::DataBuffer data = guest.buffer();
    std::vector<Cid> cids;
    for (std::uint16_t id = 1; id <= GetParam(); ++id) {
        guest.write(guest.queue(id), Lba{8UL * id}, id);
        cids.push_back(guest.driver().submit_io(guest.queue(id), nvme::Io::read, guest.disk(),
                                                Lba{0}, 1, data));
    }
    move(guest, a, b);
    for (std::uint16_t id = 1; id <= GetParam(); ++id) {
        EXPECT_EQ(guest.driver().wait(guest.queue(id), cids[id - 1U]).status(), success);
        guest.verify(guest.queue(id), Lba{8UL * id}, id);
        guest.write_and_verify(guest.queue(id), Lba{8UL * id}, id + 1000U);
    }
}

INSTANTIATE_TEST_SUITE_P(Counts, MigrationMoveMany, testing::Values(1, 2, 8, 31, 64));

/// What a guest must not be able to do through its own admin queue.
class MigrationOwnQueue : public MigrationTest, public testing::WithParamInterface<nvme::Admin> {};

TEST_P(MigrationOwnQueue, GuestGetsInvalidOpcode) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    const nvme::DataBuffer data = guest.buffer();
    for (unsigned select = 0; select < 3; ++select) {
        nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(GetParam())};
        sqe.cdw10 = select;
        sqe.cdw11 = vf.machine.cntlid().value | 1U << 16;
        sqe.cdw15 = 16;
        EXPECT_EQ(guest.driver().admin_with_data(sqe, data, 4096).status(), invalid_opcode);
    }
    EXPECT_TRUE(all_zero(data.bytes()));
    EXPECT_EQ(vf.migration.state(), State::running);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
    EXPECT_GT(vf.migration.save().size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Commands, MigrationOwnQueue,
                         testing::Values(nvme::Admin::migration_send,
                                         nvme::Admin::migration_receive));

} // namespace lm::test
