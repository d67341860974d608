// SPDX-License-Identifier: GPL-2.0-only
/// Which memory is tracked, from when to when, and what is refused.
#include "dirty/device_fixture.hpp"

namespace lm::test {

using namespace nvme::status;

class DeviceTrackingRange : public DeviceTracking {
  protected:
    /// A start that must be refused with this status, and leave nothing tracked.
    static void refused(const Machine &vf, nvme::Status expected, Bytes data,
                        const std::string &what) {
        EXPECT_EQ(track_start(pf(), vf.cntlid(), std::move(data)).status, expected) << what;
        TrackReport none;
        EXPECT_EQ(track_receive(pf(), vf.cntlid(), 4096, none).status,
                  invalid_controller_identifier)
            << what;
    }
};

TEST_F(DeviceTrackingRange, LimitsMakeSense) {
    EXPECT_GT(limits().per_controller, 0);
    EXPECT_GE(limits().per_subsystem, limits().per_controller);
    EXPECT_LE(limits().min, limits().max);
}

TEST_F(DeviceTrackingRange, OnlyTheRangeIsReportedToThePage) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(8 * 4096);
    for (unsigned page = 0; page < 8; ++page) {
        const Iova at = iova_of(data) + page * 4096;
        start(vf, {range(at, 4096)});
        work.read(data, Lba{0}, 64);
        Pages truth = work.take();
        truth.clip(at, 4096);
        EXPECT_EQ(truth.size(), 1U);
        EXPECT_EQ(report(vf), truth) << "page " << page;
        ASSERT_EQ(track_stop(pf(), vf.cntlid()).status, success);
    }
}

TEST_F(DeviceTrackingRange, AsManyRangesAsTheLimitAndNotOneMore) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const std::size_t count = limits().per_controller;
    if (count > 200)
        GTEST_SKIP() << "a data buffer has fewer pages than twice the ranges";
    const nvme::DataBuffer data = guest.buffer((2 * count + 2) * 4096);
    std::vector<TrackRange> ranges;
    for (std::size_t i = 0; i <= count; ++i) // backwards: in no order that helps
        ranges.push_back(range(iova_of(data) + 2 * (count - i) * 4096, 4096));
    refused(vf, invalid_field, track_data(fine, ranges), "one range too many");

    ranges.pop_back();
    const nvme::Completion all = track_start(pf(), vf.cntlid(), fine, ranges);
    if (!all.status.ok()) { // not so many for one function: it says how many
        EXPECT_EQ(all.status, not_enough_resources);
        const auto possible = static_cast<std::uint32_t>(all.result >> 32);
        ASSERT_GT(possible, 0U) << "NMRTD";
        ASSERT_LT(possible, count) << "NMRTD";
        ranges.resize(possible);
        start(vf, ranges);
    }
    work.read(data, Lba{0}, static_cast<std::uint16_t>((2 * count + 2) * 8));
    Pages truth;
    for (const TrackRange &r : ranges)
        truth.add(r.start, 4096);
    EXPECT_EQ(report(vf), truth);
}

TEST_F(DeviceTrackingRange, OneRangeTo2To46) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const Granularity coarse{3}; // 2^31 granules
    ASSERT_LE(coarse, limits().max);
    const nvme::DataBuffer data = guest.buffer(8 * 4096);
    start(vf, {range(Iova{0}, std::uint64_t{1} << 46, coarse)}, coarse);
    work.read(data, Lba{0}, 64);
    EXPECT_EQ(report(vf), work.take().in(bytes_in(coarse)));
}

TEST_F(DeviceTrackingRange, BadRangesAreRefused) {
    Machine &vf = open(0);
    boot(vf);
    const auto bad = [&](const std::vector<TrackRange> &ranges, const std::string &what) {
        refused(vf, invalid_field, track_data(fine, ranges), what);
    };
    bad({}, "no range");
    bad({{Iova{0x1'0000'0800}, 1}}, "not aligned");
    bad({{Iova{0x1'0000'0000}, 0}}, "empty");
    bad({{Iova{~std::uint64_t{0xfff}}, 2}}, "beyond 64 bits");
    bad({{Iova{0x1'0000'0000}, 2}, {Iova{0x1'0000'1000}, 1}}, "overlapping");
    bad({{Iova{0x1'0000'1000}, 1}, {Iova{0x1'0000'1000}, 1}}, "twice the same");
    const Granularity g{1};
    refused(vf, invalid_field, track_data(g, {{Iova{0x1'0000'1000}, 1}}),
            "not aligned to the granularity asked for");
    // the very last page is none of these
    start(vf, {{Iova{~std::uint64_t{0xfff}}, 1}});
}

TEST_F(DeviceTrackingRange, BadDataIsRefused) {
    Machine &vf = open(0);
    boot(vf);
    const std::vector<TrackRange> good{everything()};
    Bytes data = track_data(fine, good);
    store<std::uint8_t>(data, 0, 1);
    refused(vf, invalid_field, data, "version 1");
    data = track_data(fine, good);
    store<std::uint32_t>(data, 4, ~0U);
    refused(vf, invalid_field, data, "as many descriptors as can be said");
    refused(vf, invalid_field,
            track_data(Granularity{static_cast<std::uint8_t>(limits().max.value + 1)}, good),
            "a granularity too coarse");
}

TEST_F(DeviceTrackingRange, AllFunctionsShareOneLimit) {
    const unsigned each = limits().per_controller / 3U + 1;
    if (the_rig().functions() < 3)
        GTEST_SKIP() << "this takes three functions";
    std::vector<TrackRange> ranges;
    for (unsigned i = 0; i < each; ++i)
        ranges.push_back(range(all_memory + 0x10000 * i, 4096));
    unsigned left = limits().per_controller;
    for (std::size_t n = 0; n < the_rig().functions(); ++n) {
        Machine &vf = open(n);
        const nvme::Status status = track_start(pf(), vf.cntlid(), fine, ranges).status;
        EXPECT_EQ(status, each <= left ? success : invalid_field) << "function " << n;
        left -= each <= left ? each : 0;
    }
}

TEST_F(DeviceTrackingRange, UnknownControllersAreRefused) {
    TrackReport none;
    for (const std::uint16_t cntlid : {0, 0x7fff, 0xffff}) {
        EXPECT_EQ(track_start(pf(), Cntlid{cntlid}, fine, {everything()}).status,
                  invalid_controller_identifier);
        EXPECT_EQ(track_stop(pf(), Cntlid{cntlid}).status, invalid_controller_identifier);
        EXPECT_EQ(track_receive(pf(), Cntlid{cntlid}, 4096, none).status,
                  invalid_controller_identifier);
    }
}

TEST_F(DeviceTrackingRange, AGuestCannotTrack) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    for (const nvme::Admin opcode : {nvme::Admin::track_send, nvme::Admin::track_receive}) {
        nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(opcode)};
        sqe.cdw11 = vf.cntlid().value;
        EXPECT_EQ(guest.driver().admin(sqe).status(), invalid_opcode);
    }
}

TEST_F(DeviceTrackingRange, StopForgetsAndStartBeginsAnew) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(4096);
    TrackReport none;
    EXPECT_EQ(track_stop(pf(), vf.cntlid()).status, success) << "nothing to stop";
    start(vf, {everything()});
    EXPECT_EQ(track_start(pf(), vf.cntlid(), fine, {everything()}).status,
              invalid_controller_identifier);
    work.read(data, Lba{0}, 8);
    ASSERT_EQ(track_stop(pf(), vf.cntlid()).status, success);
    EXPECT_EQ(track_receive(pf(), vf.cntlid(), 4096, none).status, invalid_controller_identifier);
    work.read(data, Lba{0}, 8);
    work.take();
    start(vf, {everything()});
    EXPECT_TRUE(report(vf).empty());
}

TEST_F(DeviceTrackingRange, AControllerResetOfTheGuestLosesNothing) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(8 * 4096);
    start(vf, {everything()});
    work.read(data, Lba{0}, 64);
    guest.driver().disable();
    EXPECT_EQ(report(vf), work.take());
}

TEST_F(DeviceTrackingRange, AFunctionLevelResetLosesNothingEither) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(8 * 4096);
    start(vf, {everything()});
    work.read(data, Lba{0}, 64);
    vf.device().reset();
    EXPECT_EQ(report(vf), work.take());
}

TEST_F(DeviceTrackingRange, AFunctionThatGoesOfflineIsTrackedNoLonger) {
    using nvme::SecondaryAction;
    Machine &vf = open(0);
    start(vf, {everything()});
    pf().require(nvme::virtualization_management(vf.cntlid(), SecondaryAction::offline));
    pf().require(nvme::virtualization_management(vf.cntlid(), SecondaryAction::assign,
                                                 nvme::ResourceType::queues, vf.function().queues));
    pf().require(nvme::virtualization_management(vf.cntlid(), SecondaryAction::assign,
                                                 nvme::ResourceType::interrupts,
                                                 vf.function().interrupts));
    pf().require(nvme::virtualization_management(vf.cntlid(), SecondaryAction::online));
    TrackReport none;
    EXPECT_EQ(track_receive(pf(), vf.cntlid(), 4096, none).status, invalid_controller_identifier);
}

TEST_F(DeviceTrackingRange, OfASuspendedFunctionNothingChanges) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    Workload work{guest};
    const nvme::DataBuffer data = guest.buffer(4096);
    TrackReport none;
    pf().require(nvme::suspend(vf.cntlid()));
    EXPECT_EQ(track_start(pf(), vf.cntlid(), fine, {everything()}).status, controller_suspended);
    EXPECT_EQ(track_stop(pf(), vf.cntlid()).status, controller_suspended);
    pf().require(nvme::resume(vf.cntlid()));
    EXPECT_EQ(track_receive(pf(), vf.cntlid(), 4096, none).status, invalid_controller_identifier);

    start(vf, {everything()});
    pf().require(nvme::suspend(vf.cntlid()));
    EXPECT_EQ(track_stop(pf(), vf.cntlid()).status, controller_suspended);
    pf().require(nvme::resume(vf.cntlid()));
    work.read(data, Lba{0}, 8);
    EXPECT_EQ(report(vf), work.take()) << "still tracked";
}

TEST_F(DeviceTrackingRange, LengthsThatAreNoPowerOfTwo) {
    Machine &vf = open(0);
    boot(vf);
    const nvme::Status status = track_start(pf(), vf.cntlid(), fine, {{all_memory, 3}}).status;
    EXPECT_EQ(status, limits().powers_of_two ? invalid_field : success);
}

} // namespace lm::test
