// SPDX-License-Identifier: GPL-2.0-only
/// A device whose reports of written memory make no sense: what is lost is told of, and
/// nothing is left out silently.
#include "dirty/logging.hpp"
#include "dirty/workload.hpp"
#include "hostile/fixture.hpp"

#include <atomic>
#include <filesystem>

namespace lm::test {

using namespace nvme::status;

namespace {

const nvme::Status internal{0, 0x06};
constexpr MemoryRange window{Iova{0x1'0000'0000}, 64 << 20};

/// Tracked Memory Changes.
constexpr std::uint32_t ver = 0;
constexpr std::uint32_t attrb = 1;
constexpr std::uint32_t cntlid = 2;
constexpr std::uint32_t ntmcd = 4;
constexpr std::uint32_t rpmpg = 8;
constexpr std::uint32_t descriptor = 16;

struct ReportCase {
    const char *name;
    Fault fault;
    int error;
};

const std::vector<ReportCase> bad_reports{
    {"Refused", Fault::status(internal), EREMOTEIO},
    {"ReadAndThenRefused", Fault::status_after(internal), EREMOTEIO},
    {"LacksResources", Fault::status(not_enough_resources), ENOSPC},
    {"Noise", Fault::garbage(0, 3), EREMOTEIO},
    {"OtherVersion", Fault::poke(ver, 9, 1), EREMOTEIO},
    {"OfAnotherController", Fault::poke(cntlid, 0x77, 2), EREMOTEIO},
    {"MoreDescriptorsThanCame", Fault::poke(ntmcd, 0xffffffff), EREMOTEIO},
    {"OneDescriptorTooMany", Fault::poke(ntmcd, 256), EREMOTEIO},
    {"GranularityAbsurd", Fault::poke(rpmpg, 0xff, 2), EREMOTEIO},
    {"DescriptorOfNothing", Fault::poke(descriptor + 8, 0), EREMOTEIO},
    {"DescriptorBeyondAllMemory", Fault::poke(descriptor + 4, 0xffffffff), 0},
    {"DescriptorOfTerabytes", Fault::poke(descriptor + 8, 0xffffffff), 0},
};

} // namespace

class HostileTracking : public Hostile {
  protected:
    struct Vm {
        Source source;
        Workload work;
        Logging log;
    };

    void SetUp() override {
        Hostile::SetUp();
        if (!std::filesystem::exists("/dev/iommu"))
            GTEST_SKIP() << "this kernel has no IOMMUFD, hence no DMA logging";
    }

    Vm vm() {
        Source from = source();
        return {from, Workload{from.guest}, Logging{from.end.machine.device()}};
    }

    /// After an error all memory counts as written, until logging is started anew.
    static void expect_starts_anew(Vm &vm) {
        vm.log.stop();
        const nvme::DataBuffer data = vm.source.guest.buffer(4 * 4096);
        vm.log.start({window});
        vm.work.take();
        vm.work.read(data, Lba{0}, 32);
        EXPECT_EQ(vm.log.report(window), vm.work.take());
        vm.log.stop();
        expect_goes_on(vm.source);
    }
};

class HostileReport : public HostileTracking, public testing::WithParamInterface<ReportCase> {};

TEST_P(HostileReport, IsAnErrorUntilLoggingIsStartedAnew) {
    Vm a = vm();
    const nvme::DataBuffer data = a.source.guest.buffer(4 * 4096);
    a.log.start({window});
    a.work.read(data, Lba{0}, 32);
    {
        const ArmedFault fault{pf(), on::track_receive, GetParam().fault};
        const int error = bounded([&] { (void)a.log.report(window); });
        EXPECT_GT(fault.fired(), 0U);
        // where it says that other memory was written, nobody can see that
        EXPECT_EQ(errno_name(error), errno_name(GetParam().error));
        EXPECT_EQ(bounded([&] { (void)a.log.report(window); }), error)
            << "what was lost stays lost";
    }
    expect_starts_anew(a);
    expect_no_pf_reset();
}

INSTANTIATE_TEST_SUITE_P(Device, HostileReport, testing::ValuesIn(bad_reports),
                         [](const auto &info) { return std::string{info.param.name}; });

TEST_F(HostileTracking, RefusesToStart) {
    Vm a = vm();
    const std::vector<std::pair<nvme::Status, int>> refusals{
        {internal, EREMOTEIO}, {invalid_field, EINVAL}, {not_enough_resources, ENOSPC}};
    for (const auto &[status, error] : refusals) {
        for (bool done : {false, true}) {
            // the first command stops what somebody else may have left
            const ArmedFault fault{pf(), on::track_send.from(2).for_ever(),
                                   done ? Fault::status_after(status) : Fault::status(status)};
            EXPECT_EQ(outcome([&] { (void)a.log.start({window}); }), errno_name(error));
            EXPECT_GT(fault.fired(), 0U);
        }
        expect_starts_anew(a);
    }
}

TEST_F(HostileTracking, DoesNotStop) {
    Vm a = vm();
    a.log.start({window});
    {
        const ArmedFault fault{pf(), on::track_send, Fault::status(internal)};
        EXPECT_EQ(outcome([&] { a.log.stop(); }), errno_name(0)) << "nobody could do better";
    }
    expect_starts_anew(a);
}

TEST_F(HostileTracking, SaysMoreAndHasNone) {
    Vm a = vm();
    a.log.start({window});
    (void)a.log.report(window);
    {
        const ArmedFault fault{pf(), on::track_receive, Fault::poke(attrb, 1, 1)};
        EXPECT_EQ(outcome([&] { (void)a.log.report(window); }), "EREMOTEIO");
    }
    expect_starts_anew(a);
}

TEST_F(HostileTracking, DescriptorThatWraps) {
    Vm a = vm();
    const nvme::DataBuffer data = a.source.guest.buffer(4 * 4096);
    a.log.start({window});
    a.work.read(data, Lba{0}, 32);
    {
        const ArmedFault high{pf(), on::track_receive, Fault::poke(descriptor + 4, 0xffffffff)};
        const ArmedFault length{pf(), on::track_receive, Fault::poke(descriptor + 8, 0xffffffff)};
        EXPECT_EQ(outcome([&] { (void)a.log.report(window); }), "EREMOTEIO");
    }
    expect_starts_anew(a);
}

/// The driver looks whether the device takes the length of the command from elsewhere.
TEST_F(HostileTracking, RefusesAsInvalid) {
    Vm a = vm();
    a.log.start({window});
    {
        const ArmedFault fault{pf(), on::track_receive.for_ever(), Fault::status(invalid_field)};
        EXPECT_EQ(outcome([&] { (void)a.log.report(window); }), "EINVAL");
        EXPECT_EQ(fault.fired(), 2U);
    }
    expect_starts_anew(a);
}

TEST_F(HostileTracking, RefusesOnePlaceOfTheLength) {
    Vm a = vm();
    const nvme::DataBuffer data = a.source.guest.buffer(4 * 4096);
    a.log.start({window});
    a.work.take();
    for (int place : {15, 12}) {
        a.work.read(data, Lba{0}, 32);
        const ArmedFault fault{pf(), on::track_receive, Fault::status(invalid_field)};
        EXPECT_EQ(a.log.report(window), a.work.take()) << "with the length in CDW" << place;
        EXPECT_EQ(fault.fired(), 1U);
        EXPECT_EQ(fault.matched(), 2U);
    }
    expect_starts_anew(a);
}

/// What it forgot with its short answer, nobody knows: all of it.
TEST_F(HostileTracking, AnswersWithOneDword) {
    Vm a = vm();
    a.log.start({window});
    (void)a.log.report(window);
    for (int place : {15, 12}) {
        const ArmedFault fault{pf(), on::track_receive, Fault::short_data(4)};
        EXPECT_EQ(a.log.report(window).size(), window.bytes / 4096) << "with CDW" << place;
        EXPECT_EQ(fault.fired(), 1U);
        EXPECT_LT(a.log.report(window).size(), 16U) << "and is exact again";
    }
    expect_starts_anew(a);
}

/// One page, and more to come, again and again: then all of the memory counts as written.
TEST_F(HostileTracking, NeverComesToAnEnd) {
    Vm a = vm();
    a.log.start({window});
    const FaultMatch always = on::track_receive.for_ever();
    std::atomic<bool> done = false;
    Pages dirty;
    {
        const ArmedFault more{pf(), always, Fault::poke(attrb, 1, 1)};
        const ArmedFault one{pf(), always, Fault::poke(ntmcd, 1)};
        const ArmedFault low{pf(), always, Fault::poke(descriptor, 0)};
        const ArmedFault high{pf(), always, Fault::poke(descriptor + 4, 1)};
        const ArmedFault length{pf(), always, Fault::poke(descriptor + 8, 1)};
        // who hangs gets an end all the same, and is late then
        std::jthread end{[&] {
            for (unsigned i = 0; i < 10 * bound.count() && !done; ++i)
                std::this_thread::sleep_for(std::chrono::milliseconds{150});
            if (!done)
                pf().submit(nvme::disarm_all_faults());
        }};
        EXPECT_EQ(outcome([&] { dirty = a.log.report(window); }), errno_name(0));
        done = true;
    }
    EXPECT_EQ(dirty.size(), window.bytes / 4096);
    EXPECT_TRUE(a.log.report(window).size() < 16) << "and is exact again";
    expect_starts_anew(a);
}

} // namespace lm::test
