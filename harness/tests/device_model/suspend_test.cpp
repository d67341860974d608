// SPDX-License-Identifier: GPL-2.0-only
/// Suspend and Resume.
#include "device_model/fixture.hpp"

#include "util/deadline.hpp"

#include <thread>

namespace lm::test {

using namespace nvme::status;
using DeviceModelSuspend = DeviceModel;

TEST_F(DeviceModelSuspend, SuspendThenResume) {
    Machine &vf = open(0);
    boot(vf);
    EXPECT_EQ(pf().suspend(vf.cntlid()).status, success);
    EXPECT_EQ(pf().resume(vf.cntlid()).status, success);
}

TEST_F(DeviceModelSuspend, SecondSuspendIsNoError) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    suspend(vf);
    EXPECT_EQ(pf().suspend(vf.cntlid()).status, success);
    EXPECT_EQ(pf().suspend(vf.cntlid(), nvme::SuspendType::notification).status, success);
    EXPECT_TRUE(nvme::ControllerState{pf().read_whole_state(vf.cntlid())}.suspended());
    resume(vf);
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended) << "it counted them";
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

TEST_F(DeviceModelSuspend, ResumeOfRunningIsRefused) {
    Machine &vf = open(0);
    boot(vf);
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
}

TEST_F(DeviceModelSuspend, DisabledControllerCanBeSuspended) {
    Machine &vf = open(0);
    EXPECT_EQ(pf().suspend(vf.cntlid()).status, success);
    EXPECT_EQ(pf().resume(vf.cntlid()).status, success);
}

TEST_F(DeviceModelSuspend, NotificationLeavesItRunning) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    EXPECT_EQ(pf().suspend(vf.cntlid(), nvme::SuspendType::notification).status, success);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
}

TEST_F(DeviceModelSuspend, SuspendAfterNotification) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    ASSERT_EQ(pf().suspend(vf.cntlid(), nvme::SuspendType::notification).status, success);
    suspend(vf);
    resume(vf);
    guest.write_and_verify(guest.queue(), Lba{0}, 2);
}

TEST_F(DeviceModelSuspend, ReservedSuspendTypeIsRefused) {
    Machine &vf = open(0);
    boot(vf);
    for (unsigned type : {2U, 3U, 0x80U, 0xffU})
        EXPECT_EQ(
            pf().suspend(vf.cntlid(), nvme::SuspendType{static_cast<std::uint8_t>(type)}).status,
            invalid_field)
            << "STYPE " << type;
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
}

TEST_F(DeviceModelSuspend, IoQueueIsNotFetchedWhileSuspended) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    guest.write(guest.queue(), Lba{0}, 3);
    suspend(vf);
    const nvme::DataBuffer data = guest.buffer();
    const Cid cid =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(guest.queue().pending());
    EXPECT_TRUE(all_zero(data.bytes()));
    resume(vf);
    EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
    EXPECT_EQ(data.mismatch(3, guest.disk().block_size), std::nullopt);
}

TEST_F(DeviceModelSuspend, AdminQueueIsNotFetchedWhileSuspended) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    suspend(vf);
    nvme::QueuePair &admin = guest.driver().admin_queue();
    const Cid cid = guest.driver().submit(admin, nvme::get_feature(nvme::Feature::arbitration));
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(admin.pending());
    resume(vf);
    EXPECT_EQ(guest.driver().wait(admin, cid).status(), success);
}

TEST_F(DeviceModelSuspend, EveryDoorbellWhileSuspendedIsKept) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    suspend(vf);
    const nvme::DataBuffer data = guest.buffer();
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 10; ++i)
        cids.push_back(
            guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{i}, 1, data));
    resume(vf);
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
    EXPECT_EQ(guest.queue().outstanding(), 0U);
}

TEST_F(DeviceModelSuspend, NothingHappensAfterSuspendUnderLoad) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    const nvme::DataBuffer data = guest.buffer(64 * 1024);
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 40; ++i)
        cids.push_back(guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0},
                                                64, data));
    suspend(vf);
    guest.driver().reap(guest.queue());
    data.fill(77, data.bytes().size()); // whatever writes from here on is seen
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(guest.queue().pending());
    EXPECT_EQ(data.mismatch(77, data.bytes().size()), std::nullopt);
    const nvme::ControllerState state{pf().read_whole_state(vf.cntlid())};
    EXPECT_EQ(state.submission_queues().at(0).tail, guest.queue().sq_tail());
    resume(vf);
    for (Cid cid : cids) {
        if (guest.queue().is_outstanding(cid)) {
            EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
        }
    }
    EXPECT_EQ(guest.queue().outstanding(), 0U);
    guest.driver().reap(guest.queue());
}

TEST_F(DeviceModelSuspend, NoInterruptWhileSuspendedAndOneAfter) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, queue_pairs(1, vf, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    suspend(vf);
    vf.interrupts().take(vector);
    const nvme::DataBuffer data = guest.buffer();
    const Cid cid =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    EXPECT_FALSE(vf.interrupts().wait(vector, silence));
    resume(vf);
    EXPECT_TRUE(vf.interrupts().wait(vector, patience));
    EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
}

TEST_F(DeviceModelSuspend, OtherFunctionGoesOn) {
    Machine &vf = open(0);
    Machine &other = open(1);
    boot(vf);
    Guest &bystander = boot(other);
    suspend(vf);
    bystander.write_and_verify(bystander.queue(), Lba{64}, 5);
    resume(vf);
}

TEST_F(DeviceModelSuspend, BothFunctionsAtOnce) {
    Machine &one = open(0);
    Machine &two = open(1);
    Guest &first = boot(one);
    Guest &second = boot(two);
    suspend(one);
    suspend(two);
    resume(one);
    first.write_and_verify(first.queue(), Lba{0}, 6);
    EXPECT_TRUE(nvme::ControllerState{pf().read_whole_state(two.cntlid())}.suspended());
    resume(two);
    second.write_and_verify(second.queue(), Lba{64}, 7);
}

TEST_F(DeviceModelSuspend, FullCompletionQueueDoesNotHoldUpSuspend) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, queue_pairs(1, vf, 32, 4));
    const nvme::DataBuffer data = guest.buffer();
    nvme::QueuePair &queue = guest.queue();
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 16; ++i)
        cids.push_back(
            guest.driver().submit_io(queue, nvme::Io::read, guest.disk(), Lba{i}, 1, data));
    wait_until([&] { return queue.pending(); }, "the first completion");
    std::this_thread::sleep_for(silence); // three more find no room
    suspend(vf);
    resume(vf);
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(queue, cid).status(), success);
    EXPECT_EQ(queue.outstanding(), 0U);
}

TEST_F(DeviceModelSuspend, CompletionDoorbellWhileSuspendedIsKept) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, queue_pairs(1, vf, 32, 4));
    const nvme::DataBuffer data = guest.buffer();
    nvme::QueuePair &queue = guest.queue();
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 6; ++i)
        cids.push_back(
            guest.driver().submit_io(queue, nvme::Io::read, guest.disk(), Lba{i}, 1, data));
    wait_until([&] { return queue.pending(); }, "the first completion");
    std::this_thread::sleep_for(silence);
    suspend(vf);
    EXPECT_EQ(guest.driver().reap(queue), 3U) << "a queue of 4 entries holds 3";
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(queue.pending()) << "room alone must not wake a suspended controller";
    resume(vf);
    for (Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(queue, cid).status(), success);
    EXPECT_EQ(queue.outstanding(), 0U);
}

TEST_F(DeviceModelSuspend, AsyncEventRequestStaysOutstanding) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    nvme::Driver &driver = guest.driver();
    const Cid aer = driver.submit(driver.admin_queue(), nvme::async_event_request());
    driver.admin_require(nvme::set_feature(nvme::Feature::async_event_configuration, 0x02));
    suspend(vf);
    resume(vf);
    std::this_thread::sleep_for(silence);
    driver.reap(driver.admin_queue());
    ASSERT_TRUE(driver.admin_queue().is_outstanding(aer));
    // A threshold below any temperature makes the SMART warning that was asked for.
    driver.admin_require(nvme::set_feature(nvme::Feature::temperature_threshold, 1));
    const nvme::Cqe event = driver.wait(driver.admin_queue(), aer);
    EXPECT_EQ(event.status(), success);
    EXPECT_EQ(event.dw0 & 7, 1U) << "event type: SMART / health";
}

TEST_F(DeviceModelSuspend, ManyTimesInARowUnderLoad) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    const nvme::DataBuffer data = guest.buffer();
    for (unsigned round = 0; round < 30; ++round) {
        std::vector<Cid> cids;
        for (unsigned i = 0; i < 8; ++i)
            cids.push_back(guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(),
                                                    Lba{i}, 1, data));
        suspend(vf);
        resume(vf);
        for (Cid cid : cids)
            ASSERT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
    }
    EXPECT_EQ(guest.queue().outstanding(), 0U);
}

} // namespace lm::test
