// SPDX-License-Identifier: GPL-2.0-only
/// What VFIO_MIG_GET_PRECOPY_INFO says is true, and asking is cheap.
#include "nvme/controller_state.hpp"
#include "precopy/fixture.hpp"
#include "rig/command_trace.hpp"
#include "util/deadline.hpp"

#include <cstdio>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <thread>

namespace lm::test {

using migration::PrecopyInfo;
using PreCopyInfo = PreCopy;

TEST_F(PreCopyInfo, InitialBytesAreTheFirstPass) {
    Source from = source();
    Saving saving = start(from);
    const PrecopyInfo before = saving.file().precopy_info();
    EXPECT_GT(before.initial_bytes, 3 * mib);
    EXPECT_EQ(before.dirty_bytes, 0U);
    std::uint64_t last = before.initial_bytes;
    while (last) {
        ASSERT_GT(saving.some(100 * kib), 0U);
        const std::uint64_t now = saving.file().precopy_info().initial_bytes;
        ASSERT_LT(now, last) << "it falls with every read";
        last = now;
    }
    // It is 0 only now that all of the state has come.
    std::uint64_t end = 0;
    for (const CameAs &piece : saving.pieces())
        end = std::max(end, piece.offset + piece.bytes);
    EXPECT_EQ(end, truth(from.end).size());
    EXPECT_NEAR(static_cast<double>(saving.bytes().size()),
                static_cast<double>(before.initial_bytes), 64.0 * kib)
        << "what was announced is what came";
}

TEST_F(PreCopyInfo, InitialBytesDoNotFallWithoutAReader) {
    Source from = source();
    Saving saving = start(from);
    const std::uint64_t first = saving.file().precopy_info().initial_bytes;
    for (unsigned i = 0; i < 20; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds{30});
        EXPECT_GE(saving.file().precopy_info().initial_bytes, first);
    }
}

TEST_F(PreCopyInfo, NothingIsDirtyWhereNothingChanges) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    const std::uint64_t restless = restless_bytes(from, saving);
    EXPECT_LE(restless, 2 * (saving.granule() + 48)) << "the emulated controller's clock, no more";
    const PrecopyInfo info = settle(saving, 0);
    EXPECT_EQ(info.initial_bytes, 0U);
    EXPECT_LE(info.dirty_bytes, restless);
    // A scan that the last question began may end meanwhile and find the clock again.
    EXPECT_LE(saving.pass(), 2 * restless);
}

TEST_F(PreCopyInfo, FlagsAreLeftAloneInItsFirstForm) {
    Source from = source();
    Saving saving = start(from);
    vfio_precopy_info info{};
    info.argsz = sizeof(info);
    ASSERT_EQ(::ioctl(saving.file().fd(), VFIO_MIG_GET_PRECOPY_INFO, &info), 0);
    EXPECT_EQ(info.flags, 0U);
}

/// What came with MIG_PRECOPY_INFOv2: the user is told of new initial data.
class PreCopyInfoV2 : public PreCopy {
  protected:
    /// Linux 7.3 is the first that has it; others may have got it since.
    static bool kernel_must_have_it() {
        utsname name{};
        ::uname(&name);
        unsigned major = 0, minor = 0;
        return std::sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
               std::pair{major, minor} >= std::pair{7U, 3U};
    }
    void SetUp() override {
        PreCopy::SetUp();
        if (IsSkipped() || HasFatalFailure())
            return;
        Endpoint vf = endpoint(0);
        const bool there = vf.migration.has_precopy_info_v2();
        close(vf.machine);
        if (!there && !kernel_must_have_it())
            GTEST_SKIP() << "this kernel has no MIG_PRECOPY_INFOv2";
        ASSERT_TRUE(there) << "this kernel should have MIG_PRECOPY_INFOv2";
    }
    /// The first answer that has new initial bytes.
    static PrecopyInfo wait_for_initial(const Saving &saving) {
        PrecopyInfo info;
        wait_until(
            [&] {
                info = const_cast<Saving &>(saving).file().precopy_info();
                EXPECT_EQ(info.initial_bytes != 0, info.reinit())
                    << "initial bytes come back only with the flag";
                return info.initial_bytes != 0;
            },
            "new initial bytes");
        return info;
    }
};

TEST_F(PreCopyInfoV2, FlagsAreAnAnswer) {
    Source from = source();
    from.end.migration.enable_precopy_info_v2();
    Saving saving = start(from);
    vfio_precopy_info info{};
    info.argsz = sizeof(info);
    info.flags = 0xffffffffU;
    ASSERT_EQ(::ioctl(saving.file().fd(), VFIO_MIG_GET_PRECOPY_INFO, &info), 0);
    EXPECT_EQ(info.flags, 0U) << "the first initial bytes are not new ones";
    EXPECT_GT(info.initial_bytes, 3 * mib);
}

TEST_F(PreCopyInfoV2, StateThatGrowsHasNewInitialBytes) {
    Source from = source();
    from.end.migration.enable_precopy_info_v2();
    Saving saving = start(from);
    saving.pass();
    resize(from.end, 6 * mib);
    const PrecopyInfo told = wait_for_initial(saving);
    EXPECT_GE(told.initial_bytes, 3 * mib);
    EXPECT_EQ(told.dirty_bytes, 0U) << "it begins anew with them";
    std::uint64_t last = told.initial_bytes;
    while (last) {
        ASSERT_GT(saving.some(300 * kib), 0U);
        const PrecopyInfo now = saving.file().precopy_info();
        EXPECT_FALSE(now.reinit()) << "told once";
        ASSERT_LT(now.initial_bytes, last) << "it falls with every read";
        last = now.initial_bytes;
    }
    touch(from.end, 1000, 3); // of what is new
    EXPECT_GE(settle(saving, 3 * 4096).dirty_bytes, 3U * 4096);
    saving.pass();
    EXPECT_LE(finish(from, saving), overhead);
    Endpoint to = endpoint(1);
    go_on(from, saving, to);
}

TEST_F(PreCopyInfoV2, NobodyIsToldWhoHasNotAsked) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    resize(from.end, 6 * mib);
    const PrecopyInfo info = settle(saving, 3 * mib);
    EXPECT_EQ(info.initial_bytes, 0U);
    EXPECT_EQ(info.flags, 0U);
    saving.pass();
    EXPECT_LE(finish(from, saving), overhead);
}

TEST_F(PreCopyInfo, BadCallsAreRefused) {
    Source from = source();
    Saving saving = start(from);
    const int fd = saving.file().fd();
    vfio_precopy_info info{};
    info.argsz = sizeof(info) - 1;
    EXPECT_EQ(::ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, &info), -1);
    EXPECT_EQ(errno_name(errno), "EINVAL");
    EXPECT_EQ(::ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, nullptr), -1);
    EXPECT_EQ(errno_name(errno), "EFAULT");
    EXPECT_EQ(::ioctl(fd, VFIO_DEVICE_RESET, 0), -1) << "another ioctl";
    EXPECT_EQ(errno_name(errno), "ENOTTY");
    info.argsz = 4096;
    EXPECT_EQ(::ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, &info), 0) << "a longer structure is good";
}

TEST_F(PreCopyInfo, ItIsForPreCopyOnly) {
    Source from = source();
    const auto error = [](Saving &saving) {
        return errno_name(error_of([&] { (void)saving.file().precopy_info(); }));
    };
    Saving cancelled = start(from);
    from.end.migration.set(State::running);
    EXPECT_EQ(error(cancelled), "EINVAL");
    Saving stopped = start(from);
    from.end.migration.set(State::stop_copy);
    EXPECT_EQ(error(stopped), "EINVAL");
    from.end.migration.set(State::stop);
    EXPECT_EQ(error(stopped), "EINVAL");
    Saving plain{from.end.migration.set_with_file(State::stop_copy)};
    EXPECT_EQ(error(plain), "EINVAL");
    from.end.migration.set(State::running);
    Endpoint to = endpoint(1);
    Saving loading{to.migration.set_with_file(State::resuming)};
    EXPECT_NE(error(loading), "no error");
}

TEST_F(PreCopyInfo, ItIsTrueInPreCopyP2pToo) {
    Source from = source();
    if (!has(from.end.migration, State::pre_copy_p2p))
        GTEST_SKIP() << "this function does not have PRE_COPY_P2P";
    Saving saving = start(from);
    saving.pass();
    touch(from.end, 10, 5);
    EXPECT_FALSE(from.end.migration.set(State::pre_copy_p2p).has_value());
    EXPECT_GE(settle(saving, 5 * 4096).dirty_bytes, 5U * 4096);
    saving.pass();
    EXPECT_LE(settle(saving, 0).dirty_bytes, restless_bytes(from, saving));
    EXPECT_LE(finish(from, saving), overhead);
}

/// How much of the device memory changes: first block, count, stride.
struct Churn {
    std::uint32_t first, count, stride;
};

class PreCopyDirty : public PreCopy, public testing::WithParamInterface<Churn> {};

TEST_P(PreCopyDirty, DirtyBytesAreThoseThatChanged) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    saving.pieces();
    const std::size_t granule = saving.granule();
    const Bytes before = truth(from.end);
    touch(from.end, GetParam().first, GetParam().count, GetParam().stride);
    const std::set<std::size_t> changed = changed_granules(before, truth(from.end), granule);
    ASSERT_FALSE(changed.empty());

    const PrecopyInfo info = settle(saving, (changed.size() - 1) * granule);
    EXPECT_EQ(info.initial_bytes, 0U);
    EXPECT_LE(info.dirty_bytes, (changed.size() + 1) * (granule + 256)) << "granule " << granule;
    const std::size_t came = saving.pass();
    EXPECT_NEAR(static_cast<double>(came), static_cast<double>(info.dirty_bytes), 6.0 * kib)
        << "what was announced is what comes, and once more the clock";

    std::set<std::size_t> told;
    for (const CameAs &piece : saving.pieces())
        for (std::uint64_t at = 0; at < piece.bytes; at += granule)
            told.insert((piece.offset + at) / granule);
    EXPECT_EQ(told, changed);
    EXPECT_LE(settle(saving, 0).dirty_bytes, restless_bytes(from, saving));
}

INSTANTIATE_TEST_SUITE_P(Churns, PreCopyDirty,
                         testing::Values(Churn{0, 1, 1}, Churn{5, 1, 1}, Churn{767, 1, 1},
                                         Churn{100, 64, 1}, Churn{0, 40, 17}, Churn{3, 384, 2},
                                         Churn{0, 768, 1}),
                         [](const auto &info) {
                             return "Blocks" + std::to_string(info.param.count) + "From" +
                                    std::to_string(info.param.first) + "By" +
                                    std::to_string(info.param.stride);
                         });

/// Commands that asking costs the device.
class PreCopyCost : public PreCopy {
  protected:
    /// Ask as fast as it goes for a while; how many commands that took.
    static std::size_t commands_of_asking(Saving &saving, std::chrono::milliseconds how_long,
                                          unsigned &asked) {
        rig::CommandTrace trace;
        const auto end = std::chrono::steady_clock::now() + how_long;
        for (asked = 0; std::chrono::steady_clock::now() < end; ++asked)
            (void)saving.file().precopy_info();
        return trace.take().size();
    }
};

TEST_F(PreCopyCost, AskingInTheFirstPassCostsNothing) {
    Source from = source();
    Saving saving = start(from);
    ASSERT_GT(saving.some(300 * kib), 0U);
    std::this_thread::sleep_for(silence); // what is read ahead comes to rest
    unsigned asked = 0;
    EXPECT_EQ(commands_of_asking(saving, std::chrono::milliseconds{400}, asked), 0U);
    EXPECT_GT(asked, 100U);
}

TEST_F(PreCopyCost, AskingAsFastAsItGoesScansAtMostTenTimesASecond) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    std::size_t largest = 0;
    for (const CameAs &piece : saving.pieces())
        largest = std::max<std::size_t>(largest, piece.bytes);
    const std::size_t scan = truth(from.end).size() / largest + 4; // commands, and the size
    unsigned asked = 0;
    const std::size_t commands = commands_of_asking(saving, std::chrono::milliseconds{1000}, asked);
    EXPECT_GT(asked, 300U);
    EXPECT_GT(commands, 0U) << "nobody looks for what changed";
    EXPECT_LE(commands, 11 * scan) << "a scan is " << scan << " commands";
}

TEST_F(PreCopyCost, NothingIsReadWhileNobodyAsks) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    (void)settle(saving, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds{300}); // the last scan ends
    rig::CommandTrace trace;
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
    EXPECT_EQ(trace.take().size(), 0U);
}

} // namespace lm::test
