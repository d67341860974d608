// SPDX-License-Identifier: GPL-2.0-only
/// Which memory is logged, from when to when, and what is refused.
#include "dirty/track.hpp"
#include "dirty/vfio_fixture.hpp"

#include <algorithm>

namespace lm::test {

using VfioLoggingRange = VfioLogging;

/// Whether every page of @part is in @whole.
static bool includes(const Pages &whole, const Pages &part) {
    Pages both = whole;
    both.merge(part);
    return both == whole;
}

/// Absent, not half there, where the kernel lacks what a report needs.
class VfioLoggingOffer : public VfioLogging {
  protected:
    void SetUp() override {}
};

TEST_F(VfioLoggingOffer, OfferedExactlyWhereTheKernelCanReport) {
    Machine &machine = open(0);
    Logging log{machine.device()};
    EXPECT_EQ(log.offered(), kernel_can());
    if (!kernel_can()) {
        EXPECT_EQ(error_of([&] { log.start({window}); }), ENOTTY);
    }
}

TEST_F(VfioLoggingRange, ManyRangesAreAllLogged) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(512 * 4096);
    std::vector<MemoryRange> ranges;
    Pages logged;
    for (unsigned i = 0; i < 256; ++i) { // 256 pages with 255 gaps: more than the device has
        ranges.push_back({iova_of(data) + 2 * i * 4096, 4096});
        logged.add(ranges.back().start, 4096);
    }
    a.log.start(ranges);
    Pages truth;
    for (unsigned page = 0; page < 512; page += 64) { // all of them are logged
        nvme::Sqe sqe = nvme::io(nvme::Io::read, a.guest.disk().nsid, Lba{8 * page}, 8);
        sqe.prp1 = iova_of(data).value + page * 4096;
        a.guest.driver().wait(a.guest.queue(), a.guest.driver().submit(a.guest.queue(), sqe));
        truth.add(Iova{sqe.prp1}, 4096);
    }
    EXPECT_EQ(a.log.report({iova_of(data), 512 * 4096}), truth);

    a.work.read(data, Lba{0}, 4096);
    Pages all = a.work.take();
    const Pages dirty = a.log.report(window);
    EXPECT_TRUE(includes(dirty, logged));
    EXPECT_TRUE(includes(all, dirty)) << "what was not written is not reported";
}

TEST_F(VfioLoggingRange, OneRangeMoreThanThereMayBe) {
    Vm a = vm(0);
    std::vector<MemoryRange> ranges;
    for (unsigned i = 0; i < 257; ++i)
        ranges.push_back({window.start + 2 * i * 4096, 4096});
    EXPECT_NE(error_of([&] { a.log.start(ranges); }), 0);
    EXPECT_EQ(error_of([&] { return a.log.report(window); }), EINVAL) << "nothing is logged";
}

TEST_F(VfioLoggingRange, OneRangeTo2To46) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(8 * 4096);
    const std::uint64_t page = a.log.start({{Iova{0}, std::uint64_t{1} << 46}});
    a.work.read(data, Lba{0}, 64);
    EXPECT_EQ(a.log.report(window, page), a.work.take().in(page));
}

TEST_F(VfioLoggingRange, TheRangesOfAUefiGuest) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(8 * 4096);
    constexpr Iova high{0x1'0000'0000};
    const std::uint64_t page = a.log.start({{Iova{0}, 0x8000'0000},
                                            {Iova{0xc000'0000}, 0x3ef0'0000},
                                            {high, 0x3838'0010'0000 - high.value}});
    a.work.read(data, Lba{0}, 64);
    EXPECT_EQ(a.log.report(window, page), a.work.take().in(page));
    EXPECT_TRUE(a.log.report({Iova{0x3838'0000'0000}, 0x10'0000}, page).empty());
}

TEST_F(VfioLoggingRange, TheEdgesToThePage) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(8 * 4096);
    const MemoryRange middle{iova_of(data) + 2 * 4096, 4 * 4096};
    a.log.start({middle});
    a.work.read(data, Lba{0}, 64);
    Pages truth = a.work.take();
    truth.clip(middle.start, middle.bytes);
    EXPECT_EQ(truth.size(), 4U);
    EXPECT_EQ(a.log.report(window), truth);
}

TEST_F(VfioLoggingRange, PageSizesAreGrantedAsNearAsTheDeviceCan) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(8 * 4096);
    // VFIO itself wants the ranges to be whole pages
    for (std::uint64_t wanted = 1024; wanted <= window.bytes; wanted *= 4) {
        const std::uint64_t granted = a.log.start({window}, wanted);
        EXPECT_EQ(granted, std::clamp(wanted, std::uint64_t{4096}, std::uint64_t{2} << 20));
        a.work.read(data, Lba{0}, 64);
        EXPECT_EQ(a.log.report(window, granted), a.work.take().in(granted));
        a.log.stop();
    }
}

TEST_F(VfioLoggingRange, NonsenseIsRefused) {
    Vm a = vm(0);
    const auto refused = [&](const std::vector<MemoryRange> &ranges, std::uint64_t page,
                             const std::string &what) {
        EXPECT_NE(error_of([&] { a.log.start(ranges, page); }), 0) << what;
        EXPECT_EQ(error_of([&] { return a.log.report(window); }), EINVAL) << what;
    };
    refused({}, 4096, "no range");
    refused({{window.start, 0}}, 4096, "an empty range");
    refused({{window.start, 8192}, {window.start + 4096, 4096}}, 4096, "overlapping ranges");
    refused({window}, 0, "page size 0");
    refused({window}, 3000, "a page size that is no power of two");
}

TEST_F(VfioLoggingRange, StopForgetsAndStartBeginsAnew) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(4096);
    EXPECT_EQ(error_of([&] { return a.log.report(window); }), EINVAL) << "before the start";
    a.log.start({window});
    EXPECT_NE(error_of([&] { a.log.start({window}); }), 0) << "twice";
    a.work.read(data, Lba{0}, 8);
    EXPECT_EQ(a.log.report(window), a.work.take()) << "as if nobody had tried";
    a.work.read(data, Lba{0}, 8);
    a.log.stop();
    EXPECT_EQ(error_of([&] { return a.log.report(window); }), EINVAL) << "after the stop";
    a.log.start({window});
    EXPECT_TRUE(a.log.report(window).empty());
    a.work.take();
    a.work.read(data, Lba{0}, 8);
    EXPECT_EQ(a.log.report(window), a.work.take());
}

TEST_F(VfioLoggingRange, AResetOfTheFunctionIsNotPassedOver) {
    const std::size_t all = window.bytes / 4096;
    Machine &machine = open(0);
    Guest &before = boot(machine);
    Logging log{machine.device()};
    log.start({window});
    Workload{before}.get_feature();
    machine.device().reset();
    // what was written before it, nobody knows: everything, once
    EXPECT_EQ(log.report({window.start, window.bytes / 2}).size(), all / 2);
    EXPECT_EQ(log.report(window).size(), all / 2) << "the other half";
    EXPECT_TRUE(log.report(window).empty());

    Guest &after = boot(machine);
    Workload work{after};
    const nvme::DataBuffer data = after.buffer(8 * 4096);
    (void)log.report(window);
    work.read(data, Lba{0}, 64);
    EXPECT_EQ(log.report(window), work.take()) << "exact again";
}

/// A device starts and stops tracking only of a function that is not suspended.
class VfioLoggingStopped : public VfioLogging {
  protected:
    /// Whether the device, asked past the driver, tracks the function.
    static bool tracked(Cntlid function) {
        TrackReport report;
        return track_receive(pf(), function, 4096, report).status.ok();
    }
};

TEST_F(VfioLoggingStopped, AStartCountsFromTheResumeOn) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(8 * 4096);
    a.migration.set(migration::State::stop);
    a.log.start({window});
    EXPECT_TRUE(a.log.report(window).empty()) << "a stopped function writes nothing";
    a.migration.set(migration::State::running);
    // what it wrote before the device tracked it, nobody knows: everything, once
    EXPECT_EQ(a.log.report(window).size(), window.bytes / 4096);
    a.work.take();
    a.work.read(data, Lba{0}, 64);
    EXPECT_EQ(a.log.report(window), a.work.take()) << "exact again";
}

TEST_F(VfioLoggingStopped, AStopReachesTheDeviceWithTheResume) {
    Vm a = vm(0);
    a.log.start({window});
    a.migration.set(migration::State::stop);
    a.log.stop();
    EXPECT_TRUE(tracked(a.machine.cntlid()));
    a.migration.set(migration::State::running);
    EXPECT_FALSE(tracked(a.machine.cntlid()));
}

TEST_F(VfioLoggingStopped, AStopReachesTheDeviceWhenItIsClosed) {
    Vm a = vm(0);
    a.log.start({window});
    a.migration.set(migration::State::stop);
    a.log.stop();
    const Cntlid function = a.machine.cntlid();
    close(a.machine);
    EXPECT_FALSE(tracked(function));
}

TEST_F(VfioLoggingStopped, StartAndStopWithoutAResume) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(4096);
    a.migration.set(migration::State::stop);
    a.log.start({window});
    a.log.stop();
    a.log.start({window});
    a.migration.set(migration::State::running);
    (void)a.log.report(window);
    a.work.take();
    a.work.read(data, Lba{0}, 8);
    EXPECT_EQ(a.log.report(window), a.work.take());
    a.log.stop();
    EXPECT_FALSE(tracked(a.machine.cntlid()));
}

TEST_F(VfioLoggingRange, FunctionsShareWhatTheDeviceCanTrack) {
    // in all more ranges than the device has: who comes late gets fewer, and all is logged
    for (std::size_t n = 0; n < the_rig().functions(); ++n) {
        Vm a = vm(n);
        const nvme::DataBuffer data = a.guest.buffer(128 * 4096);
        std::vector<MemoryRange> ranges;
        for (unsigned page = 0; page < 128; page += 2)
            ranges.push_back({iova_of(data) + page * 4096, 4096});
        EXPECT_EQ(error_of([&] { a.log.start(ranges); }), 0) << "function " << n;
        nvme::Sqe sqe = nvme::io(nvme::Io::read, a.guest.disk().nsid, Lba{0}, 8);
        sqe.prp1 = ranges.back().start.value;
        a.guest.driver().wait(a.guest.queue(), a.guest.driver().submit(a.guest.queue(), sqe));
        Pages truth;
        truth.add(ranges.back().start, ranges.back().bytes);
        EXPECT_EQ(a.log.report({iova_of(data), 128 * 4096}), truth) << "function " << n;
    }
}

TEST_F(VfioLoggingRange, ClosingTheDeviceEndsIt) {
    Machine &machine = open(0);
    Logging{machine.device()}.start({window});
    close(machine);
    Vm a = vm(0);
    EXPECT_EQ(error_of([&] { return a.log.report(window); }), EINVAL);
    const nvme::DataBuffer data = a.guest.buffer(4096);
    a.log.start({window});
    a.work.read(data, Lba{0}, 8);
    EXPECT_EQ(a.log.report(window), a.work.take());
}

} // namespace lm::test
