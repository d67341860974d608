// SPDX-License-Identifier: GPL-2.0-only
/// Every page that the device was let write is reported, and no other.
#include "dirty/device_fixture.hpp"

namespace lm::test {

rig::Options default_options() {
    return {.vfs = 3, .driver = "vfio-pci"};
}

using namespace nvme::status;
using DeviceTrackingReport = DeviceTracking;

TEST_F(DeviceTrackingReport, NothingIsDirtyAtFirst) {
    Machine &vf = open(0);
    boot(vf);
    start(vf, {everything()});
    EXPECT_TRUE(report(vf).empty());
}

TEST_F(DeviceTrackingReport, ReadsAreReportedOnceAndExactly) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer small = guest.buffer(4096);
    const nvme::DataBuffer large = guest.buffer(64 * 4096);
    start(vf, {everything()});
    work.read(small, Lba{0}, 1);
    work.read(large, Lba{8}, 256);
    EXPECT_EQ(report(vf), work.take());
    EXPECT_TRUE(report(vf).empty()) << "reading clears";
    work.read(small, Lba{0}, 8);
    EXPECT_EQ(report(vf), work.take());
}

TEST_F(DeviceTrackingReport, EveryKindOfWriteIsReported) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(4096);
    start(vf, {everything()});

    work.write(data, Lba{0}, 8);
    EXPECT_EQ(report(vf), work.take()) << "a Write: its completion";
    work.get_feature();
    EXPECT_EQ(report(vf), work.take()) << "no data: its completion";
    work.identify(data);
    EXPECT_EQ(report(vf), work.take()) << "Identify: its page and its completion";
}

TEST_F(DeviceTrackingReport, AReadOfLessThanAPageIsReported) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(2 * 4096);
    start(vf, {everything()});
    // 512 bytes that start 256 before a page boundary: both pages
    nvme::Sqe sqe = nvme::io(nvme::Io::read, guest.disk().nsid, Lba{0}, 1);
    sqe.prp1 = iova_of(data).value + 4096 - 256;
    sqe.prp2 = iova_of(data).value + 4096;
    ASSERT_EQ(
        guest.driver().wait(guest.queue(), guest.driver().submit(guest.queue(), sqe)).status(),
        success);
    work.io_completion();
    Pages truth = work.take();
    truth.add(Iova{sqe.prp1}, 512);
    EXPECT_EQ(report(vf), truth);
}

TEST_F(DeviceTrackingReport, ShadowDoorbellsAndEventIndicesAreReported) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer shadow = guest.buffer(4096);
    const nvme::DataBuffer events = guest.buffer(4096);
    start(vf, {everything()});
    nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(nvme::Admin::doorbell_buffer_config)};
    sqe.prp1 = iova_of(shadow).value;
    sqe.prp2 = iova_of(events).value;
    ASSERT_EQ(guest.driver().admin(sqe).status(), success);
    work.admin_completion();
    Pages truth = work.take();
    truth.add(iova_of(shadow), 4);
    truth.add(iova_of(events), 4);
    EXPECT_EQ(report(vf), truth);
}

TEST_F(DeviceTrackingReport, ARunningFunctionIsNotCalledSuspended) {
    Machine &vf = open(0);
    boot(vf);
    start(vf, {everything()});
    TrackReport some;
    ASSERT_EQ(track_receive(pf(), vf.cntlid(), 4096, some).status, success);
    EXPECT_FALSE(some.suspended);
}

TEST_F(DeviceTrackingReport, AShortReportSaysThatMoreRemains) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(32 * 4096);
    start(vf, {everything()});
    Pages truth;
    for (unsigned i = 0; i < 16; ++i) { // every other page: runs that do not join
        nvme::Sqe sqe = nvme::io(nvme::Io::read, guest.disk().nsid, Lba{i}, 1);
        sqe.prp1 = iova_of(data).value + 2 * i * 4096;
        ASSERT_EQ(
            guest.driver().wait(guest.queue(), guest.driver().submit(guest.queue(), sqe)).status(),
            success);
        truth.add(Iova{sqe.prp1}, 512);
    }
    work.io_completion();
    truth.merge(work.take());
    unsigned commands = 0;
    EXPECT_EQ(report(vf, 16 + 3 * 16, &commands), truth);
    EXPECT_GE(commands, 6U) << "17 runs, 3 in each report";
}

TEST_F(DeviceTrackingReport, TheLengthMayStandWhereMigrationReceiveHasIt) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(4096);
    start(vf, {everything()});
    work.read(data, Lba{0}, 8);
    TrackReport told;
    ASSERT_EQ(track_receive(pf(), vf.cntlid(), 4096, told, NumdPlace::cdw15).status, success);
    EXPECT_FALSE(told.runs.empty());
    EXPECT_TRUE(report(vf).empty());
}

TEST_F(DeviceTrackingReport, WhatWasWrittenBeforeASuspendIsReportedAfterIt) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(16 * 4096);
    start(vf, {everything()});
    std::vector<Cid> cids;
    Pages truth;
    for (unsigned i = 0; i < 16; ++i) {
        nvme::Sqe sqe = nvme::io(nvme::Io::read, guest.disk().nsid, Lba{8 * i}, 8);
        sqe.prp1 = iova_of(data).value + i * 4096;
        cids.push_back(guest.driver().submit(guest.queue(), sqe));
        truth.add(Iova{sqe.prp1}, 4096);
    }
    pf().require(nvme::suspend(vf.cntlid()));
    Pages done = report(vf);
    EXPECT_TRUE(report(vf).empty()) << "a suspended controller writes nothing";
    TrackReport last;
    ASSERT_EQ(track_receive(pf(), vf.cntlid(), 4096, last).status, success);
    EXPECT_TRUE(last.suspended) << "SUSP: there will be no more";
    pf().require(nvme::resume(vf.cntlid()));
    for (const Cid cid : cids)
        EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), success);
    done.merge(report(vf));
    work.io_completion();
    truth.merge(work.take());
    EXPECT_EQ(done, truth);
}

TEST_F(DeviceTrackingReport, TwoFunctionsAreTrackedEachForItself) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest_a = boot(a);
    Guest &guest_b = boot(b);
    Workload work_a{guest_a};
    Workload work_b{guest_b};
    const nvme::DataBuffer data_a = guest_a.buffer(8 * 4096);
    const nvme::DataBuffer data_b = guest_b.buffer(8 * 4096);
    start(a, {everything()});
    start(b, {everything()});
    work_a.read(data_a, Lba{0}, 64);
    work_b.read(data_b, Lba{0}, 32);
    EXPECT_EQ(report(a), work_a.take());
    EXPECT_EQ(report(b), work_b.take());
    work_b.read(data_b, Lba{0}, 8);
    EXPECT_TRUE(report(a).empty());
    EXPECT_EQ(report(b), work_b.take());
}

TEST_F(DeviceTrackingReport, EachGranularityIsReportedInIt) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(8 * 4096);
    for (std::uint8_t g = limits().min.value; g <= limits().max.value; ++g) {
        start(vf, {everything(Granularity{g})}, Granularity{g});
        work.read(data, Lba{0}, 64);
        EXPECT_EQ(report(vf), work.take().in(bytes_in(Granularity{g})));
        ASSERT_EQ(track_stop(pf(), vf.cntlid()).status, success);
    }
}

} // namespace lm::test
