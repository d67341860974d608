// SPDX-License-Identifier: GPL-2.0-only
/// Every page that the function was let write is reported, once, and no other.
#include "dirty/vfio_fixture.hpp"

#include "rig/modules.hpp"

#include <random>

namespace lm::test {

rig::Options default_options() {
    return {.vfs = 3, .driver = rig::variant_driver};
}

using VfioLoggingReport = VfioLogging;

TEST_F(VfioLoggingReport, NothingIsDirtyAtFirst) {
    Vm a = vm(0);
    EXPECT_EQ(a.log.start({window}), 4096U);
    EXPECT_TRUE(a.log.report(window).empty());
    EXPECT_TRUE(a.log.report(window).empty());
}

TEST_F(VfioLoggingReport, ReadsAreReportedOnceAndExactly) {
    Vm a = vm(0);
    const nvme::DataBuffer small = a.guest.buffer(4096);
    const nvme::DataBuffer large = a.guest.buffer(64 * 4096);
    a.log.start({window});
    a.work.read(small, Lba{0}, 1);
    a.work.read(large, Lba{8}, 256);
    EXPECT_EQ(a.log.report(window), a.work.take());
    EXPECT_TRUE(a.log.report(window).empty()) << "reading clears";
    a.work.write(large, Lba{0}, 64);
    EXPECT_EQ(a.log.report(window), a.work.take()) << "a Write writes its completion";
}

/// The device needs several reports for it, which the driver asks for at once when it knows that.
TEST_F(VfioLoggingReport, WhatNoSingleReportOfTheDeviceHoldsIsAllThere) {
    Vm a = vm(0);
    constexpr unsigned pages = 256, commands = 20;
    std::vector<nvme::DataBuffer> buffers;
    for (unsigned i = 0; i < commands; ++i)
        buffers.push_back(a.guest.buffer(2 * pages * 4096));
    const nvme::DataBuffer list = a.guest.buffer(4096);
    a.log.start({window});
    a.work.take();
    for (unsigned round = 0; round < 3; ++round) {
        for (const nvme::DataBuffer &data : buffers)
            a.work.read_apart(data, pages, list);
        EXPECT_EQ(a.log.report(window), a.work.take()) << "round " << round;
    }
    a.work.read(list, Lba{0}, 8);
    EXPECT_EQ(a.log.report(window), a.work.take()) << "few after many";
    EXPECT_TRUE(a.log.report(window).empty());
}

TEST_F(VfioLoggingReport, WhatIsOutsideOfTheReportWaitsForTheNext) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(16 * 4096);
    a.log.start({window});
    a.work.read(data, Lba{0}, 128);
    const Pages truth = a.work.take();
    Pages seen;
    for (unsigned page : {5, 0, 15, 8}) {
        const MemoryRange one{iova_of(data) + page * 4096, 4096};
        Pages expected;
        expected.add(one.start, one.bytes);
        const Pages dirty = a.log.report(one);
        EXPECT_EQ(dirty, expected) << "page " << page;
        EXPECT_TRUE(a.log.report(one).empty()) << "page " << page << " again";
        seen.merge(dirty);
    }
    const Pages rest = a.log.report(window);
    EXPECT_EQ(rest.size() + seen.size(), truth.size()) << "nothing is reported twice";
    seen.merge(rest);
    EXPECT_EQ(seen, truth);
}

TEST_F(VfioLoggingReport, PiecesAnyhowMakeTheWhole) {
    Vm a = vm(0);
    std::mt19937_64 random{20};
    const std::uint64_t pages = window.bytes / 4096;
    std::vector<nvme::DataBuffer> buffers;
    for (unsigned i = 0; i < 24; ++i)
        buffers.push_back(a.guest.buffer((1 + random() % 20) * 4096));
    a.log.start({window});
    Pages truth;
    Pages seen;
    for (unsigned round = 0; round < 300; ++round) {
        const nvme::DataBuffer &data = buffers[random() % buffers.size()];
        a.work.read(data, Lba{random() % 1000},
                    static_cast<std::uint16_t>(1 + random() % (data.bytes().size() / 512)));
        truth.merge(a.work.take());
        const std::uint64_t first = random() % 1024;
        const std::uint64_t count = 1 + random() % 1024;
        seen.merge(a.log.report({window.start + first * 4096, std::min(count, pages) * 4096}));
    }
    seen.merge(a.log.report(window));
    EXPECT_EQ(seen, truth);
    EXPECT_TRUE(a.log.report(window).empty());
}

TEST_F(VfioLoggingReport, NothingIsLostUpToTheStop) {
    Vm a = vm(0);
    constexpr unsigned slots = 32;
    const nvme::DataBuffer data = a.guest.buffer(slots * 4096);
    a.log.start({window});
    Pages truth;
    Pages seen;
    for (unsigned round = 0; round < 8; ++round) {
        std::vector<Cid> cids;
        for (unsigned i = 0; i < slots; ++i) {
            nvme::Sqe sqe =
                nvme::io(nvme::Io::read, a.guest.disk().nsid, Lba{8 * (round * slots + i)}, 8);
            sqe.prp1 = iova_of(data).value + i * 4096;
            cids.push_back(a.guest.driver().submit(a.guest.queue(), sqe));
            truth.add(Iova{sqe.prp1}, 4096);
            if (i % 8 == 0)
                seen.merge(a.log.report(window));
        }
        a.work.io_completion();
        // stop in the midst of it: what came through by now is in the last report
        a.migration.set(migration::State::stop_copy);
        Pages last = a.log.report(window);
        EXPECT_TRUE(a.log.report(window).empty()) << "a stopped function writes nothing";
        seen.merge(last);
        a.migration.set(migration::State::running);
        for (const Cid cid : cids)
            EXPECT_TRUE(a.guest.driver().wait(a.guest.queue(), cid).status().ok());
        seen.merge(a.log.report(window));
        truth.merge(a.work.take());
        EXPECT_EQ(std::exchange(seen, Pages{}), std::exchange(truth, Pages{})) << "round " << round;
    }
}

TEST_F(VfioLoggingReport, MemoryOfCompletedCommandsIsInTheReportThatFollows) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(4096);
    a.log.start({window});
    for (unsigned i = 0; i < 200; ++i) {
        a.work.read(data, Lba{i}, 8);
        ASSERT_EQ(a.log.report(window), a.work.take()) << "round " << i;
    }
}

TEST_F(VfioLoggingReport, TwoFunctionsAtOnce) {
    Vm a = vm(0);
    Vm b = vm(1);
    const nvme::DataBuffer data_a = a.guest.buffer(8 * 4096);
    const nvme::DataBuffer data_b = b.guest.buffer(8 * 4096);
    a.log.start({window});
    b.log.start({window});
    a.work.read(data_a, Lba{0}, 64);
    b.work.read(data_b, Lba{0}, 24);
    EXPECT_EQ(a.log.report(window), a.work.take());
    EXPECT_EQ(b.log.report(window), b.work.take());
    b.work.read(data_b, Lba{0}, 8);
    a.log.stop();
    EXPECT_EQ(b.log.report(window), b.work.take())
        << "the other one's stop is none of its business";
}

TEST_F(VfioLoggingReport, AControllerResetOfTheGuestLosesNothing) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(8 * 4096);
    a.log.start({window});
    a.work.read(data, Lba{0}, 64);
    a.guest.driver().disable();
    EXPECT_EQ(a.log.report(window), a.work.take());
}

TEST_F(VfioLoggingReport, TheReportIsInThePageSizeItIsAskedFor) {
    Vm a = vm(0);
    const nvme::DataBuffer data = a.guest.buffer(9 * 4096);
    a.log.start({window});
    for (const std::uint64_t size :
         {std::uint64_t{4096}, std::uint64_t{65536}, std::uint64_t{2} << 20}) {
        a.work.read(data, Lba{0}, 72);
        EXPECT_EQ(a.log.report(window, size), a.work.take().in(size)) << "pages of " << size;
    }
}

} // namespace lm::test
