// SPDX-License-Identifier: GPL-2.0-only
/// Every change of state, legal or not.
#include "migration/fixture.hpp"

#include <thread>
#include <tuple>

namespace lm::test {

using MigrationArcs = MigrationTest;

TEST_F(MigrationArcs, FunctionSupportsWhatThePromiseIs) {
    Endpoint vf = endpoint(0);
    ASSERT_TRUE(vf.migration.supported());
    EXPECT_EQ(vf.migration.flags() & promised_flags, promised_flags);
}

TEST_F(MigrationArcs, StartsRunning) {
    EXPECT_EQ(endpoint(0).migration.state(), State::running);
}

/// From a state that a VMM can bring a function into, to any state.
class MigrationArc
    : public MigrationTest,
      public testing::WithParamInterface<std::tuple<migration::State, migration::State>> {
  protected:
    static bool is_saving(State state) {
        return state == State::stop_copy || state == State::pre_copy ||
               state == State::pre_copy_p2p;
    }

    /// The errno that the uAPI and Documentation/stream.rst give an arc.
    static int expected_error(State from, State to, bool to_exists) {
        if (to == State::error || !to_exists)
            return EINVAL; // nobody may ask for these
        if (from == State::stop_copy && (to == State::pre_copy || to == State::pre_copy_p2p))
            return EINVAL; // arcs that the uAPI does not permit
        if (from == State::resuming && to != State::resuming)
            return ENODATA; // nothing was loaded
        return 0;
    }

    /// Whether a transfer of data begins: it goes on between the states of saving.
    static bool hands_out(State from, State to) {
        return (is_saving(to) && !is_saving(from)) ||
               (to == State::resuming && from != State::resuming);
    }

    /// In STOP nothing moves; no part of this device tells a peer's memory from the
    /// host's, so the P2P states stand still as well.
    static bool moves(State state) { return state == State::running || state == State::pre_copy; }
};

TEST_P(MigrationArc, DoesWhatTheUapiSays) {
    const auto [from, to] = GetParam();
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    if (!has(vf.migration, from))
        GTEST_SKIP() << "this function does not have " << name_of(from);
    // Kept open, so that leaving its state is what ends it.
    const auto file = vf.migration.set(from);
    ASSERT_EQ(vf.migration.state(), from);
    EXPECT_EQ(file.has_value(), hands_out(State::running, from));

    const int expected = expected_error(from, to, has(vf.migration, to));
    std::optional<migration::DataFile> given;
    const int error = error_of([&] { given = vf.migration.set(to); });
    EXPECT_EQ(errno_name(error), errno_name(expected));
    if (error == 0) {
        EXPECT_EQ(vf.migration.state(), to);
        EXPECT_EQ(given.has_value(), hands_out(from, to));
    } else if (expected == EINVAL) {
        EXPECT_EQ(vf.migration.state(), from) << "a refused arc changes nothing";
    }
    if (const State now = vf.migration.state(); moves(now) && moves(from))
        guest.write_and_verify(guest.queue(), Lba{8}, 7);
    reset(vf);
    Guest &again = boot(vf.machine);
    again.write_and_verify(again.queue(), Lba{0}, 1);
}

INSTANTIATE_TEST_SUITE_P(
    All, MigrationArc,
    testing::Combine(testing::Values(migration::State::running, migration::State::stop,
                                     migration::State::stop_copy, migration::State::resuming,
                                     migration::State::running_p2p, migration::State::pre_copy,
                                     migration::State::pre_copy_p2p),
                     testing::Values(migration::State::error, migration::State::stop,
                                     migration::State::running, migration::State::stop_copy,
                                     migration::State::resuming, migration::State::running_p2p,
                                     migration::State::pre_copy, migration::State::pre_copy_p2p)),
    [](const auto &info) {
        return std::string{name_of(std::get<0>(info.param))} + "_to_" +
               std::string{name_of(std::get<1>(info.param))};
    });

/// A state in which no DMA happens, and what is asked meanwhile is done afterwards.
class MigrationStill : public MigrationTest,
                       public testing::WithParamInterface<migration::State> {};

TEST_P(MigrationStill, CommandsWaitAndAreDoneAfterwards) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    if (!has(vf.migration, GetParam()))
        GTEST_SKIP() << "this function does not have " << name_of(GetParam());
    guest.write(guest.queue(), Lba{0}, 3, 1);
    const auto file = vf.migration.set(GetParam());
    std::this_thread::sleep_for(silence); // its state is read by now, where it is to be
    const nvme::DataBuffer data = guest.buffer();
    data.fill(5, 512);
    const Cid cid =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    std::this_thread::sleep_for(silence);
    EXPECT_FALSE(guest.queue().pending());
    EXPECT_EQ(data.mismatch(5, 512), std::nullopt) << "no memory is written";
    vf.migration.set(State::running);
    EXPECT_TRUE(guest.driver().wait(guest.queue(), cid).status().ok());
    EXPECT_EQ(data.mismatch(3, 512), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(States, MigrationStill,
                         testing::Values(migration::State::stop, migration::State::stop_copy,
                                         migration::State::running_p2p,
                                         migration::State::pre_copy_p2p),
                         [](const auto &info) { return std::string{name_of(info.param)}; });

TEST_F(MigrationArcs, StatesThatDoNotExist) {
    Endpoint vf = endpoint(0);
    for (std::uint32_t state : {8U, 9U, 100U, 0x80000000U, 0xffffffffU}) {
        EXPECT_EQ(error_of([&] { vf.migration.set(State{state}); }), EINVAL) << state;
        EXPECT_EQ(vf.migration.state(), State::running);
    }
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
class MigrationLife : public MigrationTest, public testing::WithParamInterface<migration::State> {
  protected:
    void SetUp() override {
        Endpoint vf = endpoint(0);
        const bool missing = !has(vf.migration, GetParam());
        close(vf.machine);
        if (missing)
            GTEST_SKIP() << "this function does not have " << name_of(GetParam());
    }

    /// A file of before a reset or a close gives nothing, and says so.
    static void expect_dead(std::optional<migration::DataFile> &file) {
        Bytes some(16);
        if (!file)
            return;
        EXPECT_NE(error_of([&] { file->read_some(some); }), 0);
        EXPECT_NE(error_of([&] { file->write_some(some); }), 0);
        EXPECT_NE(error_of([&] { (void)file->precopy_info(); }), 0);
    }
};

TEST_P(MigrationLife, ResetMakesItRunAndUsable) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    auto file = vf.migration.set(GetParam());
    reset(vf);
    Guest &again = boot(vf.machine);
    again.write_and_verify(again.queue(), Lba{0}, 1);
    expect_dead(file);
    EXPECT_GT(vf.migration.save().size(), 0U);
}

TEST_P(MigrationLife, FunctionLevelResetOfTheGuestMakesItRunAndUsable) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    auto file = vf.migration.set(GetParam());
    vf.machine.device().function_level_reset();
    EXPECT_EQ(vf.migration.state(), State::running);
    vf.machine.device().enable_bus_master();
    Guest &again = boot(vf.machine);
    again.write_and_verify(again.queue(), Lba{0}, 1);
    expect_dead(file);
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
    expect_dead(file);
    Endpoint again = endpoint(0);
    Guest &guest = boot(again.machine);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

INSTANTIATE_TEST_SUITE_P(States, MigrationLife,
                         testing::Values(migration::State::running, migration::State::stop,
                                         migration::State::stop_copy, migration::State::resuming,
                                         migration::State::running_p2p, migration::State::pre_copy,
                                         migration::State::pre_copy_p2p),
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
