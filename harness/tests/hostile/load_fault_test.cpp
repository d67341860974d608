// SPDX-License-Identifier: GPL-2.0-only
/// A device that does not take the state as it should, at the first, a middle or the last
/// piece.
#include "hostile/fixture.hpp"

namespace lm::test {

using namespace nvme::status;

namespace {

enum class Piece { first, middle, last };

struct LoadCase {
    const char *name;
    Piece piece;
    nvme::Status status;
    bool carried_out;
    int error;
};

struct LoadStatus {
    const char *name;
    nvme::Status status;
    int error;
};

/// The device's words on a state are many, the VMM's is one.
const std::vector<LoadStatus> statuses{
    {"InvalidField", invalid_field, EREMOTEIO},
    {"InternalError", {0, 0x06}, EREMOTEIO},
    {"Aborted", aborted_by_request, ETIMEDOUT},
    {"InvalidController", invalid_controller_identifier, EREMOTEIO},
    {"NotEnoughResources", not_enough_resources, EREMOTEIO},
    {"Suspended", controller_suspended, EREMOTEIO},
    {"NotSuspended", controller_not_suspended, EREMOTEIO},
    {"VendorSpecific", {7, 0xff}, EREMOTEIO},
};

std::vector<LoadCase> cases() {
    std::vector<LoadCase> all;
    for (const LoadStatus &status : statuses)
        for (Piece piece : {Piece::first, Piece::middle, Piece::last})
            for (bool done : {false, true})
                all.push_back({status.name, piece, status.status, done, status.error});
    return all;
}

std::string name_of_case(const testing::TestParamInfo<LoadCase> &info) {
    static constexpr std::array pieces{"First", "Middle", "Last"};
    return std::string{info.param.name} + pieces.at(static_cast<std::size_t>(info.param.piece)) +
           (info.param.carried_out ? "AndYetTaken" : "");
}

} // namespace

/// The functions and the stream are made once for all cases.
class HostileLoad : public Hostile, public testing::WithParamInterface<LoadCase> {
  protected:
    struct Pair {
        Machine source{the_rig(), 0};
        Machine destination{the_rig(), 1};
        Guest guest{source, queue_pairs(1, source)};
        Bytes stream;
        std::uint32_t pieces = 0;
        ~Pair() { guest.driver().unplug(); }
    };

    static void SetUpTestSuite() {
        pair_ = std::make_unique<Pair>();
        pair_->guest.write(pair_->guest.queue(), Lba{16}, 99);
        pair_->stream = migration::Migration{pair_->source.device()}.save();
        migration::Migration to{pair_->destination.device()};
        const ArmedFault counter{pf(), on::set_state.for_ever(), Fault::delay(0)};
        to.load(pair_->stream);
        pair_->pieces = counter.matched();
        pair_->destination.device().reset();
    }
    static void TearDownTestSuite() { pair_.reset(); }

    static std::uint32_t nth(Piece piece) {
        switch (piece) {
        case Piece::first:
            return 1;
        case Piece::middle:
            return pair_->pieces / 2 + 1;
        default:
            return pair_->pieces;
        }
    }

    static inline std::unique_ptr<Pair> pair_;
};

TEST_P(HostileLoad, LeavesADestinationThatCanBeResetAndASourceThatRuns) {
    ASSERT_GT(pair_->pieces, 2U) << "boot with hmlm-mem-size=1M";
    Endpoint from{pair_->source, migration::Migration{pair_->source.device()}};
    Endpoint to{pair_->destination, migration::Migration{pair_->destination.device()}};
    {
        const Fault fault = GetParam().carried_out ? Fault::status_after(GetParam().status)
                                                   : Fault::status(GetParam().status);
        const ArmedFault armed{pf(), on::set_state.from(nth(GetParam().piece)), fault};
        int error = 0;
        bounded([&] { error = load_error(to, pair_->stream); });
        EXPECT_EQ(errno_name(error), errno_name(GetParam().error));
        EXPECT_EQ(armed.fired(), 1U);
    }
    EXPECT_NE(bounded([&] { to.migration.set(State::running); }), 0)
        << "a function must not run with a state that was not taken";
    EXPECT_EQ(to.migration.state(), State::error);
    expect_no_pf_reset();

    reset(to);
    from.migration.set(State::running);
    pair_->guest.verify(pair_->guest.queue(), Lba{16}, 99);
    from.migration.set(State::stop);
    EXPECT_EQ(errno_name(load_error(to, pair_->stream)), errno_name(0)) << "and a good one loads";
    reset(to);
}

INSTANTIATE_TEST_SUITE_P(Device, HostileLoad, testing::ValuesIn(cases()), name_of_case);

using HostileLoading = Hostile;

/// A controller takes a state only while it is suspended: it has to be got there first.
TEST_F(HostileLoading, CannotBeSuspendedForTheLoad) {
    Source resident = source();
    {
        const ArmedFault fault{pf(), on::suspend.from(2), Fault::status({0, 0x06})};
        resident.end.migration.set(State::stop);
        EXPECT_EQ(outcome([&] { resident.end.migration.set(State::resuming); }), "EREMOTEIO");
        EXPECT_EQ(fault.fired(), 1U);
    }
    EXPECT_EQ(resident.end.migration.state(), State::error) << "the guest's controller is gone";
    expect_resettable(resident.end);
}

TEST_F(HostileLoading, DoesNotGoOnWithTheStateItWasLoadedWith) {
    Source from = source();
    Endpoint to = endpoint(1);
    to.migration.load(from.end.migration.save());
    {
        const ArmedFault fault{pf(), on::resume, Fault::status({0, 0x06})};
        EXPECT_EQ(outcome([&] { to.migration.set(State::running); }), "EREMOTEIO");
    }
    EXPECT_EQ(to.migration.state(), State::running_p2p);
    from.guest.move_to(to.machine);
    EXPECT_EQ(outcome([&] { to.migration.set(State::running); }), errno_name(0));
    from.guest.write_and_verify(from.guest.queue(), Lba{8}, 5);
}

} // namespace lm::test
