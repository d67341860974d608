// SPDX-License-Identifier: GPL-2.0-only
/// Every change of state, legal or not.
#include "migration/fixture.hpp"

#include <thread>
#include <tuple>

namespace lm::test {

using MigrationArcs = MigrationTest;

TEST_F(MigrationArcs, FunctionSupportsStopCopy) {
    Endpoint vf = endpoint(0);
    ASSERT_TRUE(vf.migration.supported());
    EXPECT_TRUE(vf.migration.flags() & VFIO_MIGRATION_STOP_COPY);
}

TEST_F(MigrationArcs, StartsRunning) {
    EXPECT_EQ(endpoint(0).migration.state(), State::running);
}

/// From a state that a VMM can bring a function into, to any state.
class MigrationArc
    : public MigrationTest,
      public testing::WithParamInterface<std::tuple<migration::State, migration::State>> {
  protected:
    /// Whether this device has the state at all.
    static bool has(const migration::Migration &m, State state) {
        const std::uint64_t flags = m.flags();
        const bool p2p = flags & VFIO_MIGRATION_P2P;
        const bool pre_copy = flags & VFIO_MIGRATION_PRE_COPY;
        switch (state) {
        case State::running_p2p:
            return p2p;
        case State::pre_copy:
            return pre_copy;
        case State::pre_copy_p2p:
            return p2p && pre_copy;
        default:
            return true;
        }
    }
};

TEST_P(MigrationArc, DoesWhatTheUapiSays) {
    const auto [from, to] = GetParam();
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    // Kept open, so that leaving its state is what ends it.
    const auto file = vf.migration.set(from);
    ASSERT_EQ(vf.migration.state(), from);

    int expected = 0;
    if (to == State::error || !has(vf.migration, to))
        expected = EINVAL; // nobody may ask for these
    else if (from == State::resuming && to != State::resuming)
        expected = ENODATA; // nothing was loaded

    std::optional<migration::DataFile> given;
    const int error = error_of([&] { given = vf.migration.set(to); });
    EXPECT_EQ(errno_name(error), errno_name(expected));
    if (error == 0) {
        EXPECT_EQ(vf.migration.state(), to);
        const bool hands_out = from != to && (to == State::stop_copy || to == State::resuming);
        EXPECT_EQ(given.has_value(), hands_out);
    } else if (expected == EINVAL) {
        EXPECT_EQ(vf.migration.state(), from) << "a refused arc changes nothing";
    }
    reset(vf);
    Guest &again = boot(vf.machine);
    again.write_and_verify(again.queue(), Lba{0}, 1);
}

INSTANTIATE_TEST_SUITE_P(
    All, MigrationArc,
    testing::Combine(testing::Values(migration::State::running, migration::State::stop,
                                     migration::State::stop_copy, migration::State::resuming),
                     testing::Values(migration::State::error, migration::State::stop,
                                     migration::State::running, migration::State::stop_copy,
                                     migration::State::resuming, migration::State::running_p2p,
                                     migration::State::pre_copy, migration::State::pre_copy_p2p)),
    [](const auto &info) {
        return std::string{name_of(std::get<0>(info.param))} + "_to_" +
               std::string{name_of(std::get<1>(info.param))};
    });

TEST_F(MigrationArcs, StatesThatDoNotExist) {
    Endpoint vf = endpoint(0);
    for (std::uint32_t state : {8U, 9U, 100U, 0x80000000U, 0xffffffffU}) {
        EXPECT_EQ(error_of([&] { vf.migration.set(State{state}); }), EINVAL) << state;
        EXPECT_EQ(vf.migration.state(), State::running);
    }
}

TEST_F(MigrationArcs, StopStopsAndRunningRuns) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    vf.migration.set(State::stop);
    const nvme::DataBuffer data = guest.buffer();
    const Cid cid =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(guest.queue().pending());
    vf.migration.set(State::running);
    EXPECT_TRUE(guest.driver().wait(guest.queue(), cid).status().ok());
}

TEST_F(MigrationArcs, ManyStopsUnderLoad) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    const nvme::DataBuffer data = guest.buffer();
    for (unsigned round = 0; round < 20; ++round) {
        std::vector<Cid> cids;
        for (unsigned i = 0; i < 8; ++i)
            cids.push_back(guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(),
                                                    Lba{i}, 1, data));
        vf.migration.set(State::stop);
        vf.migration.set(State::running);
        for (Cid cid : cids)
            ASSERT_TRUE(guest.driver().wait(guest.queue(), cid).status().ok());
    }
    EXPECT_EQ(guest.queue().outstanding(), 0U);
}

/// What a reset or a close does in each state.
class MigrationLife : public MigrationTest, public testing::WithParamInterface<migration::State> {};

TEST_P(MigrationLife, ResetMakesItRunAndUsable) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    auto file = vf.migration.set(GetParam());
    reset(vf);
    Guest &again = boot(vf.machine);
    again.write_and_verify(again.queue(), Lba{0}, 1);
    if (file) {
        Bytes some(16);
        EXPECT_NE(error_of([&] { file->read_some(some); }), 0) << "a file of before the reset";
        EXPECT_NE(error_of([&] { file->write_some(some); }), 0) << "a file of before the reset";
    }
}

TEST_P(MigrationLife, CloseAndOpenMakesItRunAndUsable) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    auto file = vf.migration.set(GetParam());
    close(vf.machine);
    file.reset();
    Endpoint again = endpoint(0);
    EXPECT_EQ(again.migration.state(), State::running);
    Guest &guest = boot(again.machine);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

TEST_P(MigrationLife, FileMayOutliveTheDevice) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    auto file = vf.migration.set(GetParam());
    close(vf.machine);
    Bytes some(16);
    if (file) {
        EXPECT_NE(error_of([&] { file->read_some(some); }), 0);
        EXPECT_NE(error_of([&] { file->write_some(some); }), 0);
    }
    Endpoint again = endpoint(0);
    Guest &guest = boot(again.machine);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

INSTANTIATE_TEST_SUITE_P(States, MigrationLife,
                         testing::Values(migration::State::running, migration::State::stop,
                                         migration::State::stop_copy, migration::State::resuming),
                         [](const auto &info) { return std::string{name_of(info.param)}; });

TEST_F(MigrationArcs, ControllerResetByTheGuestWhileRunningLeavesItRunning) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    guest.driver().disable();
    EXPECT_EQ(vf.migration.state(), State::running);
    Guest &again = boot(vf.machine);
    again.write_and_verify(again.queue(), Lba{0}, 1);
    EXPECT_GT(vf.migration.save().size(), 0U);
}

} // namespace lm::test
