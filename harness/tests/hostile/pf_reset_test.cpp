// SPDX-License-Identifier: GPL-2.0-only
/// The PF is reset at a command of a migration: because it asks for it, or because the
/// command never ends and the stock driver's patience does. All functions are offline
/// then, and are made anew.
#include "dirty/logging.hpp"
#include "hostile/fixture.hpp"
#include "util/deadline.hpp"
#include "util/sysfs.hpp"

#include <filesystem>
#include <functional>

namespace lm::test {

namespace {

/// Which call of a VMM is under way.
enum class Call { stop, run, save, precopy, load, start_log, report };

struct ResetCase {
    const char *name;
    FaultMatch match;
    Call call;
    bool slow = false; ///< may take its time: no stock driver resets the PF for it
};

const std::vector<ResetCase> commands{
    {"Suspend", on::suspend, Call::stop, true},
    {"SecondaryList", on::identify_secondaries, Call::stop},
    {"Resume", on::resume, Call::run, true},
    {"StateSize", on::get_state, Call::save},
    {"StatePiece", on::get_state.from(5), Call::save},
    {"StatePieceWhileRunning", on::get_state.from(5), Call::precopy},
    {"FirstPieceOfALoad", on::set_state, Call::load},
    {"MiddlePieceOfALoad", on::set_state.from(5), Call::load},
    {"LastPieceOfALoad", on::set_state.from(9), Call::load, true},
    {"StartOfTracking", on::track_send.from(2), Call::start_log},
    {"ReportOfTracking", on::track_receive, Call::report},
};

constexpr MemoryRange window{Iova{0x1'0000'0000}, 64 << 20};

/// How long the stock driver waits for an admin command: in ms where each controller has
/// that for itself, else in s.
struct Patience {
    std::filesystem::path path;
    const char *three_seconds;

    static Patience of_pf() {
        const auto name = std::filesystem::path{the_rig().pf().device}.filename();
        const auto own = std::filesystem::path{"/sys/class/nvme"} / name / "admin_timeout";
        if (std::filesystem::exists(own))
            return {own, "3000"};
        return {"/sys/module/nvme_core/parameters/admin_timeout", "3"};
    }
};

} // namespace

class HostileFirmware : public Hostile {};

class HostilePfReset : public Hostile, public testing::WithParamInterface<ResetCase> {
  protected:
    void SetUp() override {
        Hostile::SetUp();
        patience_ = Patience::of_pf();
        before_ = sysfs::read(patience_.path);
        sysfs::write(patience_.path, patience_.three_seconds);
    }
    void TearDown() override {
        wait_live();
        Hostile::TearDown();
        sysfs::write(patience_.path, before_);
    }

    /// What has to be before the call.
    void prepare(Source &from, Endpoint &to) {
        switch (GetParam().call) {
        case Call::run:
            from.end.migration.set(State::stop);
            return;
        case Call::load:
            stream_ = from.end.migration.save();
            to.migration.set(State::stop);
            return;
        case Call::report:
            Logging{from.end.machine.device()}.start({window});
            return;
        default:
            return;
        }
    }
    int call(Source &from, Endpoint &to) {
        Logging log{from.end.machine.device()};
        switch (GetParam().call) {
        case Call::stop:
            return bounded([&] { from.end.migration.set(State::stop); });
        case Call::run:
            return bounded([&] { from.end.migration.set(State::running); });
        case Call::save:
            return bounded([&] { save(from.end, false); });
        case Call::precopy:
            return bounded([&] { save(from.end, true); });
        case Call::load: {
            int error = 0;
            bounded([&] { error = load_error(to, stream_); });
            return error;
        }
        case Call::start_log:
            return bounded([&] { (void)log.start({window}); });
        default:
            return bounded([&] { (void)log.report(window); });
        }
    }

    /// A file of which the state is lost has one word for it. A state call has another,
    /// and a third where the reset is over by then: the function is offline.
    static void expect_reset(int error) {
        EXPECT_TRUE(error == ESTALE || error == ENODEV || error == ENXIO) << errno_name(error);
    }

    void run(const Fault &fault) {
        const bool logs = GetParam().call == Call::start_log || GetParam().call == Call::report;
        if (logs && !std::filesystem::exists("/dev/iommu"))
            GTEST_SKIP() << "this kernel has no IOMMUFD, hence no DMA logging";
        const unsigned before = pf_resets();
        {
            Source from = source();
            Endpoint to = endpoint(1);
            prepare(from, to);
            pf().require(nvme::arm_fault(GetParam().match, fault));
            expect_reset(call(from, to));
            wait_live();
            wait_until([&] { return pf_resets() > before; }, "nvme-lm.ko to notice the reset");
            // whatever the state is by now, a reset of the function leads out of it
            bounded([&] { from.end.machine.device().reset(); });
            EXPECT_EQ(from.end.migration.state(), State::running);
            bounded([&] { to.machine.device().reset(); });
            EXPECT_EQ(to.migration.state(), State::running);
            EXPECT_NE(bounded([&] { from.end.migration.set(State::stop); }), 0)
                << "a function that is offline cannot be suspended";
            EXPECT_EQ(from.end.migration.state(), State::running);
        }
        leave();
        pf().submit(nvme::disarm_all_faults(true));
        the_rig().recreate();
        Source from = source();
        Endpoint to = endpoint(1);
        expect_moves(from, to);
    }

  private:
    Patience patience_{};
    std::string before_;
    Bytes stream_;
};

/// The controller may come out of a reset with other firmware, while functions are open.
TEST_F(HostileFirmware, HasItsStateFormatsReadAgainAfterAResetOfThePf) {
    {
        Source from = source();
        reset_pf();
        const ArmedFault asked{pf(), on::identify_formats, Fault::delay(1)};
        bounded([&] { from.end.machine.device().reset(); });
        EXPECT_EQ(from.end.migration.state(), State::running);
        EXPECT_EQ(asked.fired(), 1U);
        bounded([&] { from.end.machine.device().reset(); });
        EXPECT_EQ(from.end.migration.state(), State::running);
        EXPECT_EQ(asked.fired(), 1U) << "nothing has happened since";
    }
    leave();
    the_rig().recreate();
    Source from = source();
    Endpoint to = endpoint(1);
    expect_moves(from, to);
}

TEST_P(HostilePfReset, BecauseItReportsAnInternalError) {
    run(Fault::internal_error());
}

TEST_P(HostilePfReset, BecauseTheCommandNeverEnds) {
    if (GetParam().slow)
        GTEST_SKIP() << "it may take its time: slow-suspend";
    run(Fault::hold());
}

TEST_P(HostilePfReset, BecauseItIsInAFatalState) {
    if (GetParam().slow)
        GTEST_SKIP() << "it may take its time: slow-suspend";
    run(Fault::controller_fatal());
}

INSTANTIATE_TEST_SUITE_P(Commands, HostilePfReset, testing::ValuesIn(commands),
                         [](const auto &info) { return std::string{info.param.name}; });

} // namespace lm::test
