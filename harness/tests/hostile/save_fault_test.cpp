// SPDX-License-Identifier: GPL-2.0-only
/// A device that does not give the state as it should: sizes that lie, bytes that make no
/// sense, too few of them, and errors at any point.
#include "hostile/fixture.hpp"

namespace lm::test {

using namespace nvme::status;

namespace {

/// Positions in a controller state.
constexpr std::uint32_t nvmecss = 16;
constexpr std::uint32_t vss = 32;
constexpr std::uint32_t header = 48;

/// What the source makes of it, and if it sees nothing wrong, the destination.
struct SaveCase {
    const char *name;
    FaultMatch match;
    Fault fault;
    int source;
    int destination = 0;
};

const FaultMatch always = on::get_state.for_ever();
const nvme::Status internal{0, 0x06};

/// What is the same whether the function runs or not.
const std::vector<SaveCase> bad_states{
    {"SizeRefused", on::get_state, Fault::status(internal), EREMOTEIO},
    {"SizeRefusedAsInvalid", on::get_state, Fault::status(invalid_field), EINVAL},
    {"SizeHuge", always, Fault::poke(vss + 4, 0x100), EREMOTEIO},
    {"SizeOfQueuesHuge", always, Fault::poke(nvmecss + 4, 0x100), EREMOTEIO},
    {"SizeWraps", always, Fault::poke(vss + 4, 0xffffffff), EREMOTEIO},
    {"SizeInBytesWraps", always, Fault::poke(nvmecss + 4, 0x40000000), EREMOTEIO},
    {"SizeOf128Bits", always, Fault::poke(vss + 12, 0x80000000), EREMOTEIO},
    {"SizeOfQueuesOf128Bits", always, Fault::poke(nvmecss + 8, 1), EREMOTEIO},
    {"SizeLargerThanTheState", always, Fault::add(vss, 4 << 20), EINVAL},
    {"HeaderOfNoise", always, Fault::garbage(0), EREMOTEIO},
    {"BodyOfNoise", always, Fault::garbage(header), 0, EREMOTEIO},
    {"NothingComes", always, Fault::short_data(0), 0, EREMOTEIO},
    {"OnlyTheHeaderComes", always, Fault::short_data(header), 0, EREMOTEIO},
    {"SizeSmallerThanTheState", always, Fault::poke(vss, 0), 0, EREMOTEIO},
    {"SizeGrowsAfterItWasAsked", on::get_state.from(2).for_ever(), Fault::add(vss, 3), 0,
     EREMOTEIO},
};

/// Errors of a piece while the function runs, and none while it is stopped.
const std::vector<SaveCase> bad_pieces{
    {"FirstPieceFails", on::get_state.from(2), Fault::status(internal), EREMOTEIO},
    {"MiddlePieceFails", on::get_state.from(5), Fault::status(internal), EREMOTEIO},
    {"PieceLacksResources", on::get_state.from(3), Fault::status(not_enough_resources), ENOSPC},
    {"PieceOfNobody", on::get_state.from(3), Fault::status(invalid_controller_identifier), ENXIO},
    {"PieceAborted", on::get_state.from(3), Fault::status(aborted_by_request), ETIMEDOUT},
    {"PieceVendorSpecific", on::get_state.from(3), Fault::status({7, 0xff}), EREMOTEIO},
    {"PieceSuspended", on::get_state.from(3), Fault::status(controller_suspended), EALREADY},
    {"PieceNotSuspended", on::get_state.from(3), Fault::status(controller_not_suspended), EPROTO},
    {"PieceGivenAndFails", on::get_state.from(3), Fault::status_after(internal), EREMOTEIO},
};

std::vector<SaveCase> together(std::initializer_list<std::vector<SaveCase>> lists) {
    std::vector<SaveCase> all;
    for (const std::vector<SaveCase> &list : lists)
        all.insert(all.end(), list.begin(), list.end());
    return all;
}

std::string name_of_case(const testing::TestParamInfo<SaveCase> &info) {
    return info.param.name;
}

} // namespace

class HostileSave : public Hostile, public testing::WithParamInterface<SaveCase> {
  protected:
    /// Save with the fault, and see what becomes of source and destination.
    void run(bool live) {
        Source from = source();
        Endpoint to = endpoint(1);
        Bytes stream;
        {
            const ArmedFault fault{pf(), GetParam().match, GetParam().fault};
            EXPECT_EQ(outcome([&] { stream = save(from.end, live); }),
                      errno_name(GetParam().source));
            EXPECT_GT(fault.fired(), 0U);
        }
        expect_no_pf_reset();
        if (GetParam().source == 0) {
            EXPECT_EQ(errno_name(load_error(to, stream)), errno_name(GetParam().destination));
            EXPECT_NE(error_of([&] { to.migration.set(State::running); }), 0);
            reset(to);
        }
        expect_runs_again(from);
        expect_moves(from, to);
    }
};

class HostileSaveStopped : public HostileSave {};

TEST_P(HostileSaveStopped, LeavesASourceThatRunsAgain) {
    run(false);
}

class HostileSaveLive : public HostileSave {};

TEST_P(HostileSaveLive, LeavesASourceThatRunsAgain) {
    run(true);
}

INSTANTIATE_TEST_SUITE_P(Device, HostileSaveStopped,
                         testing::ValuesIn(together({bad_states, bad_pieces})), name_of_case);
INSTANTIATE_TEST_SUITE_P(Device, HostileSaveLive, testing::ValuesIn(together({bad_states})),
                         name_of_case);

using HostileSaving = Hostile;

/// Whoever was suspended when its state was taken is known by CSUP only.
TEST_F(HostileSaving, StateOfAFunctionThatRanIsNoState) {
    Source from = source();
    {
        const ArmedFault fault{pf(), on::get_state.from(2).for_ever(), Fault::result(0, 1)};
        migration::DataFile file = from.end.migration.set_with_file(State::stop_copy);
        EXPECT_EQ(outcome([&] { file.read_all(); }), "ENODEV");
        EXPECT_EQ(from.end.migration.state(), State::error);
        EXPECT_EQ(outcome([&] { file.read_all(); }), "ENODEV") << "and stays so";
    }
    expect_resettable(from.end);
}

/// A piece that fails while the function runs is read again when it is stopped, or the
/// migration ends: either way the guest goes on.
TEST_F(HostileSaving, PiecesThatFailWhileItRuns) {
    Source from = source();
    Endpoint to = endpoint(1);
    for (std::uint32_t nth : {2U, 3U, 6U, 9U}) {
        {
            const ArmedFault fault{pf(), on::get_state.from(nth), Fault::status(internal)};
            const int error = bounded([&] { save(from.end, true); });
            EXPECT_TRUE(error == 0 || error == EREMOTEIO) << errno_name(error);
            EXPECT_GT(fault.fired(), 0U);
        }
        expect_runs_again(from);
    }
    expect_moves(from, to);
}

/// The changes that are looked for while it runs fail: what is told is what was known.
TEST_F(HostileSaving, ScansThatFail) {
    Source from = source();
    Endpoint to = endpoint(1);
    migration::DataFile file = from.end.migration.set_with_file(State::pre_copy);
    const Bytes stream = file.read_pass();
    {
        const ArmedFault fault{pf(), on::get_state.for_ever(), Fault::status(internal)};
        for (unsigned i = 0; i < 20; ++i) {
            EXPECT_EQ(outcome([&] { (void)file.precopy_info(); }), errno_name(0));
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        }
        EXPECT_GT(fault.fired(), 0U);
    }
    from.guest.write_and_verify(from.guest.queue(), Lba{64}, 1);
    finish_move(from, file, stream, to);
    from.guest.verify(from.guest.queue(), Lba{64}, 1);
}

/// While it runs the size may change between any two commands.
TEST_F(HostileSaving, SizeThatChangesAtEachQuestion) {
    Source from = source();
    Endpoint to = endpoint(1);
    for (std::uint32_t nth : {2U, 11U, 12U}) {
        {
            const ArmedFault more{pf(), on::get_state.from(nth), Fault::add(vss, 70000)};
            const ArmedFault less{pf(), on::get_state.from(nth + 1), Fault::poke(vss, 8)};
            const ArmedFault absurd{pf(), on::get_state.from(nth + 2), Fault::poke(vss + 8, 8)};
            const int error = bounded([&] {
                migration::DataFile file = from.end.migration.set_with_file(State::pre_copy);
                file.read_pass();
                for (unsigned i = 0; i < 10; ++i) {
                    (void)file.precopy_info();
                    std::this_thread::sleep_for(std::chrono::milliseconds{30});
                    file.read_pass();
                }
                from.end.migration.set(State::stop_copy);
                file.read_all();
            });
            EXPECT_TRUE(error == 0 || error == EREMOTEIO || error == EINVAL) << errno_name(error);
        }
        expect_runs_again(from);
    }
    expect_moves(from, to);
}

TEST_F(HostileSaving, DataSizeOfADeviceThatLies) {
    Source from = source();
    {
        const ArmedFault fault{pf(), on::get_state, Fault::poke(vss + 4, 0xffffffff)};
        EXPECT_EQ(outcome([&] { (void)from.end.migration.data_size(); }), "EREMOTEIO");
    }
    EXPECT_GT(from.end.migration.data_size(), 0U);
    expect_goes_on(from);
}

} // namespace lm::test
