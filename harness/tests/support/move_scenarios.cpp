// SPDX-License-Identifier: GPL-2.0-only
/// What a guest that is moved while it works must not notice. The test program says
/// how it is moved.
#include "support/guest_test.hpp"
#include "support/mover.hpp"
#include "util/deadline.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace lm::test {

using namespace nvme::status;

/// A guest and a way to move it.
class Move : public GuestTest, public testing::WithParamInterface<WayToMove> {
  protected:
    void SetUp() override {
        Machine &any = open(0);
        const std::string why = mover_->why_not(any);
        close(any);
        if (!why.empty())
            GTEST_SKIP() << why;
    }

    void move(
        Guest &guest, Machine &from, Machine &to, const std::function<void()> &before_run = [] {}) {
        mover_->move(guest, from, to, before_run);
    }
    void stop(Machine &machine) { mover_->stop(machine); }
    void reset(Machine &machine) { mover_->reset(machine); }

    /// Start reads of one block each.
    static std::vector<Cid> start_reads(Guest &guest, unsigned count, std::uint16_t blocks,
                                        const nvme::DataBuffer &data) {
        std::vector<Cid> cids;
        for (unsigned i = 0; i < count; ++i)
            cids.push_back(guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(),
                                                    Lba{i}, blocks, data));
        return cids;
    }
    /// Every one of these completes, and nothing else.
    static void expect_all_done(Guest &guest, const std::vector<Cid> &cids) {
        for (Cid cid : cids)
            EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
        EXPECT_EQ(guest.queue().outstanding(), 0U);
    }

  private:
    std::unique_ptr<Mover> mover_{GetParam().make()};
};

TEST_P(Move, GuestGoesOn) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    guest.write(guest.queue(), Lba{0}, 1);
    move(guest, a, b);
    guest.verify(guest.queue(), Lba{0}, 1);
    guest.write_and_verify(guest.queue(), Lba{8}, 2);
}

TEST_P(Move, ThereAndBackManyTimes) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    for (unsigned round = 0; round < 5; ++round) {
        move(guest, a, b);
        guest.write_and_verify(guest.queue(), Lba{0}, 10 + round);
        reset(a);
        move(guest, b, a);
        guest.verify(guest.queue(), Lba{0}, 10 + round);
        reset(b);
    }
}

TEST_P(Move, RoundOfThreeFunctions) {
    if (the_rig().functions() < 3)
        GTEST_SKIP() << "needs three functions: --vfs 3";
    const std::array<Machine *, 3> ends{&open(0), &open(1), &open(2)};
    Guest &guest = boot(*ends[0]);
    for (unsigned step = 0; step < 6; ++step) {
        Machine &from = *ends[step % 3];
        guest.write(guest.queue(), Lba{step}, step, 1);
        move(guest, from, *ends[(step + 1) % 3]);
        guest.verify(guest.queue(), Lba{step}, step, 1);
        reset(from);
    }
}

TEST_P(Move, RegistersAreTheSame) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    guest.driver().write_register<std::uint32_t>(nvme::reg::intms, 0);
    const auto snapshot = [&] {
        return std::array{
            std::uint64_t{guest.driver().read_register<std::uint32_t>(nvme::reg::cc)},
            std::uint64_t{guest.driver().read_register<std::uint32_t>(nvme::reg::csts)},
            std::uint64_t{guest.driver().read_register<std::uint32_t>(nvme::reg::aqa)},
            guest.driver().read_register<std::uint64_t>(nvme::reg::asq),
            guest.driver().read_register<std::uint64_t>(nvme::reg::acq),
            guest.driver().read_register<std::uint64_t>(nvme::reg::cap)};
    };
    const auto before = snapshot();
    move(guest, a, b);
    EXPECT_EQ(snapshot(), before);
}

TEST_P(Move, AdminQueueGoesOn) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    move(guest, a, b);
    for (unsigned i = 0; i < 100; ++i)
        guest.driver().admin_require(nvme::get_feature(nvme::Feature::arbitration));
    guest.driver().delete_io_pair(QueueId{1});
    nvme::QueuePair &queue = guest.driver().create_io_pair(queue_pairs(1, b).front());
    guest.write_and_verify(queue, Lba{0}, 1);
}

TEST_P(Move, OutstandingCommandsCompleteExactlyOnce) {
    Machine *here = &open(0);
    Machine *there = &open(1);
    Guest &guest = boot(*here);
    const nvme::DataBuffer data = guest.buffer(32 * 1024);
    for (unsigned round = 0; round < 6; ++round) {
        const std::vector<Cid> cids = start_reads(guest, 48, 32, data);
        move(guest, *here, *there);
        expect_all_done(guest, cids);
        reset(*here);
        std::swap(here, there);
    }
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(guest.queue().pending());
}

TEST_P(Move, OutstandingWritesArriveOnceAndWhole) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
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
    expect_all_done(guest, cids);
    for (unsigned i = 0; i < 32; ++i)
        guest.verify(guest.queue(), Lba{blocks * std::uint64_t{i}}, 1000 + i, blocks);
}

TEST_P(Move, DoorbellsOfTheStoppedTravel) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    guest.write(guest.queue(), Lba{0}, 9, 1);
    stop(a);
    const nvme::DataBuffer data = guest.buffer();
    const Cid io =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    const Cid admin = guest.driver().submit(guest.driver().admin_queue(),
                                            nvme::get_feature(nvme::Feature::arbitration));
    move(guest, a, b);
    EXPECT_EQ(guest.driver().wait(guest.queue(), io).status(), success);
    EXPECT_EQ(guest.driver().wait(guest.driver().admin_queue(), admin).status(), success);
    EXPECT_EQ(data.mismatch(9, guest.disk().block_size), std::nullopt);
}

TEST_P(Move, NothingMovesInMemoryWhileStopped) {
    Machine &a = open(0);
    Guest &guest = boot(a);
    const nvme::DataBuffer data = guest.buffer(64 * 1024);
    (void)start_reads(guest, 40, 64, data);
    stop(a);
    guest.driver().reap(guest.queue());
    data.fill(77, data.bytes().size());
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(guest.queue().pending());
    EXPECT_EQ(data.mismatch(77, data.bytes().size()), std::nullopt);
}

TEST_P(Move, FullCompletionQueue) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, queue_pairs(1, a, 32, 4));
    const nvme::DataBuffer data = guest.buffer();
    const std::vector<Cid> cids = start_reads(guest, 20, 1, data);
    wait_until([&] { return guest.queue().pending(); }, "the first completion");
    std::this_thread::sleep_for(silence);
    move(guest, a, b);
    expect_all_done(guest, cids);
    guest.write_and_verify(guest.queue(), Lba{0}, 4);
}

TEST_P(Move, FullAdminCompletionQueue) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, {});
    nvme::QueuePair &admin = guest.driver().admin_queue();
    std::vector<Cid> cids;
    while (admin.has_room())
        cids.push_back(guest.driver().submit(admin, nvme::get_feature(nvme::Feature::arbitration)));
    std::this_thread::sleep_for(silence);
    move(guest, a, b);
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(admin, cid).status(), success);
    EXPECT_EQ(admin.outstanding(), 0U);
}

TEST_P(Move, AtEveryPositionOfTheRings) {
    Machine *here = &open(0);
    Machine *there = &open(1);
    Guest &guest = boot(*here, queue_pairs(1, *here, 4, 3));
    for (unsigned step = 0; step < 13; ++step) {
        guest.write_and_verify(guest.queue(), Lba{step}, step, 1);
        guest.write(guest.queue(), Lba{step}, step + 100, 1);
        move(guest, *here, *there);
        guest.verify(guest.queue(), Lba{step}, step + 100, 1);
        reset(*here);
        std::swap(here, there);
    }
}

TEST_P(Move, InterruptsGoOn) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, queue_pairs(1, a, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    move(guest, a, b);
    b.interrupts().take(vector);
    guest.write(guest.queue(), Lba{0}, 1);
    EXPECT_TRUE(b.interrupts().wait(vector, patience));
}

TEST_P(Move, InterruptsEnabledOnlyAfterTheLoad) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, queue_pairs(1, a, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    b.device().disable_msix();
    move(guest, a, b, [&] { b.device().enable_msix(b.interrupts()); });
    b.interrupts().take(vector);
    guest.write(guest.queue(), Lba{0}, 1);
    EXPECT_TRUE(b.interrupts().wait(vector, patience));
}

TEST_P(Move, InterruptOfAWaitingCompletionArrives) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, queue_pairs(1, a, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    stop(a);
    const nvme::DataBuffer data = guest.buffer();
    const std::vector<Cid> cids = start_reads(guest, 1, 1, data);
    a.interrupts().take(vector);
    move(guest, a, b, [&] {
        EXPECT_FALSE(b.interrupts().wait(vector, silence)) << "an interrupt before it runs";
    });
    EXPECT_TRUE(b.interrupts().wait(vector, patience));
    expect_all_done(guest, cids);
    EXPECT_EQ(a.interrupts().take(vector), 0U) << "the source must be silent";
}

TEST_P(Move, FeaturesSurvive) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    nvme::Driver &driver = guest.driver();
    using enum nvme::Feature;
    const std::pair<nvme::Feature, std::uint32_t> wanted[] = {
        {arbitration, 0x03020105},         {temperature_threshold, 350},
        {async_event_configuration, 0x1f}, {interrupt_coalescing, 0x0304},
        {volatile_write_cache, 0},
    };
    std::vector<std::pair<nvme::Feature, std::uint32_t>> set;
    for (const auto &[feature, value] : wanted)
        if (driver.admin(nvme::set_feature(feature, value)).status().ok())
            set.emplace_back(feature, driver.admin_require(nvme::get_feature(feature)).dw0);
    ASSERT_GE(set.size(), 3U) << "too few features can be set for this test to mean anything";
    move(guest, a, b);
    for (const auto &[feature, value] : set)
        EXPECT_EQ(driver.admin_require(nvme::get_feature(feature)).dw0, value)
            << "feature " << static_cast<unsigned>(feature);
}

TEST_P(Move, AsyncEventRequestsSurvive) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    nvme::Driver &driver = guest.driver();
    nvme::QueuePair &admin = driver.admin_queue();
    const Cid first = driver.submit(admin, nvme::async_event_request());
    const Cid second = driver.submit(admin, nvme::async_event_request());
    driver.admin_require(nvme::set_feature(nvme::Feature::async_event_configuration, 0x02));
    move(guest, a, b);
    driver.admin_require(nvme::set_feature(nvme::Feature::temperature_threshold, 1));
    wait_until(
        [&] {
            driver.reap(admin);
            return admin.outstanding() == 1;
        },
        "an event");
    const Cid done = admin.is_outstanding(first) ? second : first;
    const auto event = driver.completed(admin, done);
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->status(), success);
    EXPECT_EQ(event->dw0 & 7, 1U) << "event type: SMART / health";
}

TEST_P(Move, PendingEventSurvives) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    nvme::Driver &driver = guest.driver();
    driver.admin_require(nvme::set_feature(nvme::Feature::async_event_configuration, 0x02));
    driver.admin_require(nvme::set_feature(nvme::Feature::temperature_threshold, 1));
    move(guest, a, b);
    const Cid aer = driver.submit(driver.admin_queue(), nvme::async_event_request());
    EXPECT_EQ(driver.wait(driver.admin_queue(), aer).dw0 & 7, 1U) << "event type: SMART / health";
}

TEST_P(Move, AsyncEventLimitStillHolds) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    nvme::Driver &driver = guest.driver();
    nvme::QueuePair &admin = driver.admin_queue();
    const nvme::DataBuffer id = guest.buffer();
    ASSERT_EQ(driver.admin_with_data(nvme::identify(nvme::Cns::controller), id, 4096).status(),
              success);
    const unsigned limit = load<std::uint8_t>(id.bytes(), 259) + 1U; // AERL
    for (unsigned i = 0; i < limit; ++i)
        driver.submit(admin, nvme::async_event_request());
    move(guest, a, b);
    EXPECT_EQ(driver.admin(nvme::async_event_request()).status(), aer_limit_exceeded);
    EXPECT_EQ(admin.outstanding(), limit);
}

TEST_P(Move, BystanderIsNotTouched) {
    if (the_rig().functions() < 3)
        GTEST_SKIP() << "needs three functions: --vfs 3";
    Machine &a = open(0);
    Machine &b = open(1);
    Machine &c = open(2);
    Guest &guest = boot(a);
    Guest &bystander = boot(c);
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

/// How many I/O queue pairs the guest has.
class MoveMany : public GuestTest,
                 public testing::WithParamInterface<std::tuple<WayToMove, unsigned>> {};

TEST_P(MoveMany, QueuePairs) {
    const auto &[way, count] = GetParam();
    const std::unique_ptr<Mover> mover{way.make()};
    Machine &a = open(0);
    Machine &b = open(1);
    if (const std::string why = mover->why_not(a); !why.empty())
        GTEST_SKIP() << why;
    if (a.function().queues <= count)
        GTEST_SKIP() << "a function has " << a.function().queues - 1 << " I/O queue pairs here";
    Guest &guest = boot(a, queue_pairs(count, a, 16, 16));
    const nvme::DataBuffer data = guest.buffer();
    std::vector<Cid> cids;
    for (std::uint16_t id = 1; id <= count; ++id) {
        guest.write(guest.queue(id), Lba{8UL * id}, id);
        cids.push_back(guest.driver().submit_io(guest.queue(id), nvme::Io::read, guest.disk(),
                                                Lba{0}, 1, data));
    }
    mover->move(guest, a, b, [] {});
    for (std::uint16_t id = 1; id <= count; ++id) {
        EXPECT_EQ(guest.driver().wait(guest.queue(id), cids[id - 1U]).status(), success);
        guest.verify(guest.queue(id), Lba{8UL * id}, id);
        guest.write_and_verify(guest.queue(id), Lba{8UL * id}, id + 1000U);
    }
}

INSTANTIATE_TEST_SUITE_P(By, Move, testing::ValuesIn(ways_to_move()),
                         [](const auto &info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(By, MoveMany,
                         testing::Combine(testing::ValuesIn(ways_to_move()),
                                          testing::Values(1, 2, 8, 31, 64)),
                         [](const auto &info) {
                             return std::get<0>(info.param).name +
                                    std::to_string(std::get<1>(info.param));
                         });

} // namespace lm::test
