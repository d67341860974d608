// SPDX-License-Identifier: GPL-2.0-only
/// A device that does not stop a function as it should, or does not let it go on.
#include "hostile/fixture.hpp"

namespace lm::test {

using namespace nvme::status;

namespace {

/// A status that a device may give, and the errno that it stands for.
struct BadStatus {
    const char *name;
    nvme::Status status;
    int error;
};

/// What any command may end with.
const std::vector<BadStatus> any_status{
    {"InvalidOpcode", invalid_opcode, EREMOTEIO},
    {"InvalidField", invalid_field, EINVAL},
    {"InternalError", {0, 0x06}, EREMOTEIO},
    {"Aborted", aborted_by_request, ETIMEDOUT},
    {"CommandSequenceError", command_sequence_error, EREMOTEIO},
    {"InvalidController", invalid_controller_identifier, ENXIO},
    {"NotEnoughResources", not_enough_resources, ENOSPC},
    {"Reserved", {1, 0xbf}, EREMOTEIO},
    {"MediaError", {2, 0x81}, EREMOTEIO},
    {"VendorSpecific", {7, 0xff}, EREMOTEIO},
};

struct StatusCase {
    BadStatus bad;
    bool carried_out; ///< the device does what it was told, and says that it did not
};

std::vector<StatusCase> cases() {
    std::vector<StatusCase> all;
    for (const BadStatus &bad : any_status)
        for (bool carried_out : {false, true})
            all.push_back({bad, carried_out});
    return all;
}

Fault fault_of(const StatusCase &c) {
    return c.carried_out ? Fault::status_after(c.bad.status) : Fault::status(c.bad.status);
}

std::string name_of_case(const testing::TestParamInfo<StatusCase> &info) {
    return std::string{info.param.bad.name} + (info.param.carried_out ? "AndYetDone" : "");
}

} // namespace

class HostileSuspend : public Hostile, public testing::WithParamInterface<StatusCase> {};

TEST_P(HostileSuspend, LeavesTheSourceRunning) {
    Source from = source();
    Endpoint to = endpoint(1);
    for (State target : {State::stop, State::stop_copy}) {
        const ArmedFault fault{pf(), on::suspend, fault_of(GetParam())};
        EXPECT_EQ(outcome([&] { from.end.migration.set(target); }),
                  errno_name(GetParam().bad.error));
        EXPECT_EQ(fault.fired(), 1U);
        expect_goes_on(from);
    }
    expect_no_pf_reset();
    expect_moves(from, to);
}

TEST_P(HostileSuspend, LeavesPreCopyGoingOn) {
    Source from = source();
    Endpoint to = endpoint(1);
    migration::DataFile file = from.end.migration.set_with_file(State::pre_copy);
    const Bytes stream = file.read_pass();
    {
        const ArmedFault fault{pf(), on::suspend, fault_of(GetParam())};
        EXPECT_EQ(outcome([&] { from.end.migration.set(State::stop_copy); }),
                  errno_name(GetParam().bad.error));
    }
    ASSERT_EQ(from.end.migration.state(), State::pre_copy);
    from.guest.write_and_verify(from.guest.queue(), Lba{32}, 1);
    finish_move(from, file, stream, to);
    from.guest.verify(from.guest.queue(), Lba{32}, 1);
}

INSTANTIATE_TEST_SUITE_P(Statuses, HostileSuspend, testing::ValuesIn(cases()), name_of_case);

class HostileResume : public Hostile, public testing::WithParamInterface<StatusCase> {};

TEST_P(HostileResume, CanBeTriedAgain) {
    Source from = source();
    Endpoint to = endpoint(1);
    from.end.migration.set(State::stop);
    {
        const ArmedFault fault{pf(), on::resume, fault_of(GetParam())};
        EXPECT_EQ(outcome([&] { from.end.migration.set(State::running); }),
                  errno_name(GetParam().bad.error));
        EXPECT_EQ(fault.fired(), 1U);
    }
    EXPECT_EQ(from.end.migration.state(), State::running_p2p) << "stopped, as far as it got";
    expect_runs_again(from);
    expect_no_pf_reset();
    expect_moves(from, to);
}

INSTANTIATE_TEST_SUITE_P(Statuses, HostileResume, testing::ValuesIn(cases()), name_of_case);

using HostileStop = Hostile;

TEST_F(HostileStop, SuspendedAlreadyAndIsNot) {
    Source from = source();
    Endpoint to = endpoint(1);
    const ArmedFault fault{pf(), on::suspend, Fault::status(controller_suspended)};
    EXPECT_EQ(outcome([&] { from.end.migration.set(State::stop); }), "EREMOTEIO");
    expect_goes_on(from);
    expect_moves(from, to);
}

TEST_F(HostileStop, SuspendedAlreadyAndIs) {
    Source from = source();
    ASSERT_EQ(pf().suspend(from.end.machine.cntlid()).status, success);
    EXPECT_EQ(outcome([&] { from.end.migration.set(State::stop); }), errno_name(0));
    expect_runs_again(from);
}

TEST_F(HostileStop, NotSuspendedInAnswerToSuspend) {
    Source from = source();
    const ArmedFault fault{pf(), on::suspend, Fault::status_after(controller_not_suspended)};
    EXPECT_EQ(outcome([&] { from.end.migration.set(State::stop); }), "EPROTO");
    expect_goes_on(from);
}

TEST_F(HostileStop, SuspendedInAnswerToResume) {
    Source from = source();
    from.end.migration.set(State::stop);
    {
        const ArmedFault fault{pf(), on::resume, Fault::status_after(controller_suspended)};
        EXPECT_EQ(outcome([&] { from.end.migration.set(State::running); }), "EALREADY");
    }
    expect_runs_again(from);
}

TEST_F(HostileStop, NotSuspendedWhenItIsToGoOn) {
    Source from = source();
    from.end.migration.set(State::stop);
    const ArmedFault fault{pf(), on::resume, Fault::status(controller_not_suspended)};
    EXPECT_EQ(outcome([&] { from.end.migration.set(State::running); }), "EIO");
    EXPECT_EQ(from.end.migration.state(), State::error);
    expect_resettable(from.end);
}

/// Neither does it stop, nor does it go on: nobody can help, but nothing hangs.
TEST_F(HostileStop, FailsAndCannotBeUndone) {
    Source from = source();
    {
        const ArmedFault suspend{pf(), on::suspend, Fault::status_after({0, 0x06})};
        const ArmedFault resume{pf(), on::resume, Fault::status({0, 0x06})};
        EXPECT_EQ(outcome([&] { from.end.migration.set(State::stop); }), "EREMOTEIO");
        EXPECT_EQ(from.end.migration.state(), State::error);
    }
    expect_resettable(from.end);
}

TEST_F(HostileStop, RefusesBothInTheSameWords) {
    Source from = source();
    const ArmedFault suspend{pf(), on::suspend, Fault::status(invalid_field)};
    const ArmedFault resume{pf(), on::resume, Fault::status(invalid_field)};
    EXPECT_EQ(outcome([&] { from.end.migration.set(State::stop); }), "EINVAL");
    expect_goes_on(from);
}

TEST_F(HostileStop, ResumeFailsAndCannotBeUndone) {
    Source from = source();
    from.end.migration.set(State::stop);
    {
        const ArmedFault resume{pf(), on::resume, Fault::status_after({0, 0x06})};
        const ArmedFault suspend{pf(), on::suspend, Fault::status({0, 0x06})};
        EXPECT_EQ(outcome([&] { from.end.migration.set(State::running); }), "EREMOTEIO");
        EXPECT_EQ(from.end.migration.state(), State::error);
    }
    expect_resettable(from.end);
}

} // namespace lm::test
