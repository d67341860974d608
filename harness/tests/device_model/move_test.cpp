// SPDX-License-Identifier: GPL-2.0-only
/// A guest whose state is read from one function and set on another.
#include "device_model/fixture.hpp"
#include "util/deadline.hpp"

#include <algorithm>
#include <thread>

namespace lm::test {

using namespace nvme::status;
using DeviceModelMove = DeviceModel;

TEST_F(DeviceModelMove, GuestGoesOn) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    guest.write(guest.queue(), Lba{0}, 1);
    move(guest, a, b);
    guest.verify(guest.queue(), Lba{0}, 1);
    guest.write_and_verify(guest.queue(), Lba{8}, 2);
}

TEST_F(DeviceModelMove, ThereAndBack) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    for (unsigned round = 0; round < 4; ++round) {
        move(guest, a, b);
        guest.write_and_verify(guest.queue(), Lba{0}, 10 + round);
        reset(a);
        move(guest, b, a);
        guest.verify(guest.queue(), Lba{0}, 10 + round);
        reset(b);
    }
}

TEST_F(DeviceModelMove, BackIntoTheSameFunctionAfterReset) {
    Machine &a = open(0);
    Guest &guest = boot(a);
    guest.write(guest.queue(), Lba{0}, 1);
    const nvme::ControllerState state = take_state(a);
    reset(a);
    give_state(a, state.bytes());
    guest.move_to(a);
    resume(a);
    guest.verify(guest.queue(), Lba{0}, 1);
}

TEST_F(DeviceModelMove, RegistersAreTheSame) {
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

TEST_F(DeviceModelMove, AdminQueueGoesOn) {
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

TEST_F(DeviceModelMove, CompletesExactlyOnceUnderLoad) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    const nvme::DataBuffer data = guest.buffer(32 * 1024);
    Machine *here = &a;
    Machine *there = &b;
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

TEST_F(DeviceModelMove, DoorbellsOfTheSuspendedTravel) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    guest.write(guest.queue(), Lba{0}, 9, 1);
    suspend(a);
    const nvme::DataBuffer data = guest.buffer();
    const Cid io =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    const Cid admin = guest.driver().submit(guest.driver().admin_queue(),
                                            nvme::get_feature(nvme::Feature::arbitration));
    const Bytes state = pf().read_whole_state(a.cntlid());
    give_state(b, state);
    guest.move_to(b);
    resume(b);
    EXPECT_EQ(guest.driver().wait(guest.queue(), io).status(), success);
    EXPECT_EQ(guest.driver().wait(guest.driver().admin_queue(), admin).status(), success);
    EXPECT_EQ(data.mismatch(9, guest.disk().block_size), std::nullopt);
}

TEST_F(DeviceModelMove, FullCompletionQueue) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, queue_pairs(1, a, 32, 4));
    nvme::QueuePair &queue = guest.queue();
    const nvme::DataBuffer data = guest.buffer();
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 20; ++i)
        cids.push_back(
            guest.driver().submit_io(queue, nvme::Io::read, guest.disk(), Lba{i}, 1, data));
    wait_until([&] { return queue.pending(); }, "the first completion");
    std::this_thread::sleep_for(silence);
    const nvme::ControllerState state = move(guest, a, b);
    EXPECT_EQ(state.completion_queues().at(0).tail, 3) << "a queue of 4 entries holds 3";
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(queue, cid).status(), success);
    EXPECT_EQ(queue.outstanding(), 0U);
    guest.write_and_verify(queue, Lba{0}, 4);
}

TEST_F(DeviceModelMove, FullAdminCompletionQueue) {
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

TEST_F(DeviceModelMove, AtEveryPositionOfTheRings) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, queue_pairs(1, a, 4, 3));
    Machine *here = &a;
    Machine *there = &b;
    for (unsigned step = 0; step < 13; ++step) {
        guest.write_and_verify(guest.queue(), Lba{step}, step, 1);
        guest.write(guest.queue(), Lba{step}, step + 100, 1);
        move(guest, *here, *there);
        guest.verify(guest.queue(), Lba{step}, step + 100, 1);
        reset(*here);
        std::swap(here, there);
    }
}

TEST_F(DeviceModelMove, FeaturesSurvive) {
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

TEST_F(DeviceModelMove, AsyncEventRequestsSurvive) {
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

TEST_F(DeviceModelMove, PendingEventSurvives) {
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

TEST_F(DeviceModelMove, AsyncEventLimitStillHolds) {
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

TEST_F(DeviceModelMove, InterruptOfWaitingCompletionArrives) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, queue_pairs(1, a, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    suspend(a);
    const nvme::DataBuffer data = guest.buffer();
    const Cid cid =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    const Bytes state = pf().read_whole_state(a.cntlid());
    a.interrupts().take(vector);
    give_state(b, state);
    EXPECT_FALSE(b.interrupts().wait(vector, silence)) << "an interrupt before Resume";
    guest.move_to(b);
    resume(b);
    EXPECT_TRUE(b.interrupts().wait(vector, patience));
    EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
    EXPECT_EQ(a.interrupts().take(vector), 0U) << "the source must be silent";
}

TEST_F(DeviceModelMove, BystanderOnAThirdFunctionIsNotTouched) {
    if (the_rig().functions() < 3)
        GTEST_SKIP() << "needs three functions: --vfs 3";
    Machine &a = open(0);
    Machine &b = open(1);
    Machine &c = open(2);
    Guest &guest = boot(a);
    Guest &bystander = boot(c);
    for (unsigned i = 0; i < 4; ++i) {
        bystander.write(bystander.queue(), Lba{512}, i);
        move(guest, a, b);
        bystander.verify(bystander.queue(), Lba{512}, i);
        reset(a);
        move(guest, b, a);
        reset(b);
    }
}

/// How many I/O queue pairs a guest has.
class DeviceModelMoveMany : public DeviceModel, public testing::WithParamInterface<unsigned> {};

TEST_P(DeviceModelMoveMany, QueuePairs) {
    Machine &a = open(0);
    Machine &b = open(1);
    if (a.function().queues <= GetParam())
        GTEST_SKIP() << "a function has " << a.function().queues - 1 << " I/O queue pairs here";
    Guest &guest = boot(a, queue_pairs(GetParam(), a, 16, 16));
    for (std::uint16_t id = 1; id <= GetParam(); ++id)
        guest.write(guest.queue(id), Lba{8UL * id}, id);
    const nvme::ControllerState state = move(guest, a, b);
    EXPECT_EQ(state.nvmecs().size(), 8 + 48UL * GetParam());
    for (std::uint16_t id = 1; id <= GetParam(); ++id) {
        guest.verify(guest.queue(id), Lba{8UL * id}, id);
        guest.write_and_verify(guest.queue(id), Lba{8UL * id}, id + 1000U);
    }
}

INSTANTIATE_TEST_SUITE_P(Counts, DeviceModelMoveMany, testing::Values(1, 2, 8, 31, 64));

} // namespace lm::test
