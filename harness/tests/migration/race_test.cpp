// SPDX-License-Identifier: GPL-2.0-only
/// Threads that pull at one function at the same time: what any of them gets is
/// its own matter, but nothing hangs, no kernel debugging finds anything, and the
/// function is good afterwards. Worth most on the debug kernel with two processors.
#include "migration/fixture.hpp"

#include <functional>
#include <mutex>
#include <random>
#include <thread>

namespace lm::test {

namespace {

/// The file of the last change of state that gave one, for all threads.
class SharedFile {
  public:
    void put(std::optional<migration::DataFile> file) {
        std::shared_ptr<migration::DataFile> fresh;
        if (file)
            fresh = std::make_shared<migration::DataFile>(std::move(*file));
        const std::scoped_lock lock{mutex_};
        std::swap(file_, fresh);
    }
    std::shared_ptr<migration::DataFile> get() {
        const std::scoped_lock lock{mutex_};
        return file_;
    }

  private:
    std::mutex mutex_; ///< protects file_
    std::shared_ptr<migration::DataFile> file_;
};

} // namespace

class MigrationRace : public MigrationTest {
  protected:
    using Action = std::function<void(std::mt19937 &)>;

    /// Each action in a thread of its own, again and again for a while. Refusals
    /// are no failure.
    static void all_at_once(const std::vector<Action> &actions) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1500};
        std::vector<std::jthread> threads;
        for (unsigned seed = 1; const Action &action : actions)
            threads.emplace_back([&action, end, seed = seed++] {
                std::mt19937 random{seed};
                while (std::chrono::steady_clock::now() < end)
                    (void)error_of([&] { action(random); });
            });
    }

    /// Go to one of these states, and share the file where there is one.
    static Action change(Endpoint &vf, SharedFile &file, std::vector<State> states) {
        return [&vf, &file, states](std::mt19937 &random) {
            if (auto given = vf.migration.set(states[random() % states.size()]))
                file.put(std::move(given));
        };
    }
    static Action read(SharedFile &file) {
        return [&file](std::mt19937 &random) {
            Bytes some(1 + random() % 9000);
            if (const auto now = file.get())
                now->read_some(some);
        };
    }
    static Action ask(SharedFile &file) {
        return [&file](std::mt19937 &) {
            if (const auto now = file.get())
                (void)now->precopy_info();
        };
    }
    static Action reset_often(Endpoint &vf) {
        return [&vf](std::mt19937 &random) {
            vf.machine.device().reset();
            std::this_thread::sleep_for(std::chrono::milliseconds{random() % 10});
        };
    }

    /// The states that save, as far as the function has them.
    static std::vector<State> saving_states(const Endpoint &vf) {
        std::vector<State> states{State::stop_copy, State::running, State::stop};
        for (State state : {State::pre_copy, State::pre_copy_p2p, State::running_p2p})
            if (has(vf.migration, state))
                states.push_back(state);
        return states;
    }

    void expect_good(Endpoint &vf) {
        reset(vf);
        vf.machine.device().enable_bus_master();
        Guest &guest = boot(vf.machine);
        guest.write_and_verify(guest.queue(), Lba{0}, 1);
        EXPECT_GT(vf.migration.save().size(), 0U);
    }
};

TEST_F(MigrationRace, ResetAgainstReaders) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    SharedFile file;
    all_at_once({change(vf, file, saving_states(vf)), read(file), read(file), reset_often(vf)});
    file.put(std::nullopt);
    expect_good(vf);
}

TEST_F(MigrationRace, ChangesOfStateAgainstEachOther) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    SharedFile file;
    std::vector<State> all = saving_states(vf);
    all.push_back(State::resuming);
    all_at_once({change(vf, file, all), change(vf, file, saving_states(vf)), read(file), ask(file),
                 [&](std::mt19937 &) {
                     if (vf.migration.state() == State::error)
                         vf.machine.device().reset();
                 }});
    file.put(std::nullopt);
    expect_good(vf);
}

TEST_F(MigrationRace, CloseOfTheFileAgainstReadersAndInfo) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    SharedFile file;
    all_at_once({change(vf, file, saving_states(vf)), read(file), ask(file),
                 [&](std::mt19937 &) { file.put(std::nullopt); },
                 [&](std::mt19937 &) { (void)vf.migration.data_size(); }});
    expect_good(vf);
}

TEST_F(MigrationRace, ResetAgainstWriters) {
    Endpoint from = endpoint(0);
    boot(from.machine);
    const Bytes stream = from.migration.save();
    Endpoint vf = endpoint(1);
    SharedFile file;
    const Action write = [&](std::mt19937 &random) {
        if (const auto now = file.get())
            now->write_all(stream, 1 + random() % 3000);
    };
    all_at_once({change(vf, file, {State::resuming, State::stop, State::running}), write, write,
                 reset_often(vf)});
    file.put(std::nullopt);
    expect_good(vf);
}

TEST_F(MigrationRace, BuffersInABarThatAResetTakesAway) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    vfio::Bar bar = vf.machine.device().map_bar(VFIO_PCI_BAR0_REGION_INDEX, 4096);
    SharedFile file;
    const Action into_bar = [&](std::mt19937 &) {
        // The first register is one that a write does not change.
        if (const auto now = file.get())
            now->read_some(bar.bytes().first(8));
    };
    const Action from_bar = [&](std::mt19937 &) {
        if (const auto now = file.get())
            now->write_some(bar.bytes().first(64));
    };
    all_at_once({change(vf, file, {State::stop_copy, State::resuming, State::running}), into_bar,
                 from_bar, reset_often(vf)});
    file.put(std::nullopt);
    expect_good(vf);
}

TEST_F(MigrationRace, FunctionLevelResetOfTheGuestAgainstEverything) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    SharedFile file;
    all_at_once({change(vf, file, saving_states(vf)), read(file), ask(file),
                 [&](std::mt19937 &) {
                     vf.machine.device().function_level_reset();
                     std::this_thread::sleep_for(std::chrono::milliseconds{3});
                 },
                 [&](std::mt19937 &) { (void)vf.migration.data_size(); }});
    file.put(std::nullopt);
    expect_good(vf);
}

TEST_F(MigrationRace, CloseOfTheDeviceAgainstReaders) {
    for (unsigned round = 0; round < 8; ++round) {
        Endpoint vf = endpoint(0);
        boot(vf.machine);
        const State state =
            has(vf.migration, State::pre_copy) && round % 2 ? State::pre_copy : State::stop_copy;
        const auto file = std::make_shared<migration::DataFile>(vf.migration.set_with_file(state));
        std::atomic<bool> done = false;
        std::vector<std::jthread> readers;
        for (unsigned i = 0; i < 2; ++i)
            readers.emplace_back([&] {
                Bytes some(64);
                while (!done) {
                    (void)error_of([&] { file->read_some(some); });
                    (void)error_of([&] { (void)file->precopy_info(); });
                }
            });
        std::this_thread::sleep_for(std::chrono::milliseconds{5 * round});
        close(vf.machine);
        done = true;
    }
    Endpoint vf = endpoint(0);
    expect_good(vf);
}

} // namespace lm::test
