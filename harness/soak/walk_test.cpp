// SPDX-License-Identifier: GPL-2.0-only
/// Random walks: whatever happens to functions, guests find on their disks what they
/// wrote there, and every function is usable again.
#include "fuzz/mutator.hpp"
#include "rig/modules.hpp"
#include "soak/settings.hpp"
#include "soak/world.hpp"
#include "util/sysfs.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <thread>

namespace lm::soak {

using migration::DataFile;
using migration::State;

namespace {

/// The errno of an action that throws std::system_error; 0 when it does not.
template <typename Action> int error_of(Action action) {
    try {
        action();
    } catch (const std::system_error &error) {
        return error.code().value();
    }
    return 0;
}

/// Move a little of the data of a file that may be of either kind.
void use_some(World &world, DataFile &file) {
    Bytes some(1 + world.any(3000));
    if (world.any(2))
        error_of([&] { file.read_some(some); });
    else
        error_of([&] { file.write_some(some); });
}

/// One of the states, of those that the function has.
State any_of(World &world, const migration::Migration &migration, std::vector<State> states) {
    std::erase_if(states, [&](State state) { return !has_state(migration, state); });
    return states[world.any(states.size())];
}

/// A state that a function can be brought into, with the file that comes with it.
std::optional<DataFile> to_any_state(World &world, std::size_t seat) {
    migration::Migration migration = world.seat(seat).migration();
    auto file =
        migration.set(any_of(world, migration,
                             {State::running, State::stop, State::stop_copy, State::resuming,
                              State::pre_copy, State::pre_copy_p2p, State::running_p2p}));
    // what began while it ran goes on with the same file when it is stopped
    if (migration.state() == State::pre_copy && world.any(2)) {
        use_some(world, *file);
        migration.set(State::stop_copy);
    }
    return file;
}

void work(World &world) {
    for (std::size_t i = 0; i < World::tenants; ++i)
        world.tenant(i).work();
}

void migrate(World &world) {
    world.migrate(world.any(World::tenants), world.free_seat());
}

/// Stop, perhaps save a part, and go on.
void cancel(World &world) {
    const std::size_t who = world.any(World::tenants);
    migration::Migration source = world.seat(world.place(who)).migration();
    world.tenant(who).start(10);
    auto file = source.set(any_of(
        world, source, {State::stop_copy, State::stop, State::pre_copy, State::running_p2p}));
    if (file && world.any(2)) {
        Bytes some(1 + world.any(4000));
        file->read_some(some);
    }
    source.set(State::running);
    world.tenant(who).finish();
}

/// A stream with something wrong in it, for a function that nobody sits on.
void load_damaged(World &world) {
    const std::size_t to = world.free_seat();
    const std::size_t from = world.place(world.any(World::tenants));
    migration::Migration source = world.seat(from).migration();
    Bytes stream = source.save();
    source.set(State::running);
    stream.at(world.any(stream.size())) ^= static_cast<std::byte>(1 + world.any(255));
    migration::Migration destination = world.seat(to).migration();
    EXPECT_NE(error_of([&] { destination.load(stream); }), 0) << "a damaged stream was taken";
    EXPECT_NE(error_of([&] { destination.set(State::running); }), 0);
    world.reset(to);
}

/// Reset or close a free function in any state, in the middle of a transfer.
void disturb_free(World &world) {
    const std::size_t seat = world.free_seat();
    auto file = to_any_state(world, seat);
    if (file)
        use_some(world, *file);
    if (world.any(2))
        world.reset(seat);
    else
        world.close(seat);
    if (file)
        use_some(world, *file);
}

/// Take a function away under a guest: it crashes, and begins anew.
void disturb_tenant(World &world) {
    const std::size_t who = world.any(World::tenants);
    const std::size_t seat = world.place(who);
    world.tenant(who).start(10);
    auto file = to_any_state(world, seat);
    if (file)
        use_some(world, *file);
    if (world.any(2))
        world.reset(seat);
    else
        world.close(seat);
    world.revive(who);
}

/// One thread reads while the function is reset: it ends, with an error or what there
/// was to read.
void reset_under_a_reader(World &world) {
    const std::size_t seat = world.free_seat();
    DataFile file = world.seat(seat).migration().set_with_file(State::stop_copy);
    const std::size_t chunk = 1 + world.any(600);
    const auto delay = std::chrono::microseconds{world.any(3000)};
    std::jthread reader{[&] { error_of([&] { file.read_all(chunk); }); }};
    std::this_thread::sleep_for(delay);
    world.reset(seat);
}

/// The guest resets its controller by itself.
void guest_restarts(World &world) {
    const std::size_t who = world.any(World::tenants);
    world.tenant(who).start(5);
    world.tenant(who).guest().driver().disable();
    world.tenant(who).crash();
    world.revive(who);
}

void rebind(std::size_t seat) {
    const pci::Address &address = test::the_rig().function(seat).address;
    pci::unbind(address);
    pci::bind(address, rig::variant_driver);
}

/// A function's driver is unbound and bound again; by iommufd the others go on.
void rebind_free(World &world) {
    const std::size_t seat = world.free_seat();
    if (test::the_rig().backend().kind() == vfio::BackendKind::iommufd) {
        world.close(seat);
        rebind(seat);
        return;
    }
    world.close_all();
    rebind(seat);
    test::the_rig().reconnect();
    world.revive_all();
}

/// The controlling side is reset: every function goes offline, all guests crash.
void reset_pf(World &world) {
    const std::size_t seat = world.free_seat();
    auto file = to_any_state(world, seat);
    const auto name = std::filesystem::path{test::the_rig().pf().device}.filename();
    sysfs::write("/sys/class/nvme" / name / "reset_controller", "1");
    if (file)
        use_some(world, *file);
    world.recreate();
}

/// The PF is taken from its driver, perhaps in the middle of something, and given back.
void rebind_pf(World &world) {
    const pci::Address pf = test::the_rig().pf().address;
    const std::size_t seat = world.free_seat();
    auto file = to_any_state(world, seat);
    sysfs::write("/sys/bus/pci/drivers/nvme/unbind", pf.text());
    if (file)
        use_some(world, *file);
    world.close_all();
    sysfs::write("/sys/bus/pci/drivers/nvme/bind", pf.text());
    world.start_over();
}

/// The slot that the PF is in is taken away with all that is in it, and found again.
void remove_slot(World &world) {
    const pci::Address slot = test::the_rig().pf().address.bridge();
    auto file = to_any_state(world, world.free_seat());
    world.close_all();
    pci::remove(slot);
    if (file)
        use_some(world, *file);
    pci::rescan();
    world.start_over();
}

/// All functions go away and come again.
void recreate(World &world) {
    world.recreate();
}

/// The module with the VFIO driver goes and comes again.
void reload_driver(World &world) {
    world.close_all();
    for (std::size_t i = 0; i < world.seats(); ++i)
        pci::unbind(test::the_rig().function(i).address);
    run_program({"rmmod", "nvme_vfio_pci"});
    if (world.any(2))
        run_program({"rmmod", "nvme_lm"});
    rig::load_modules(rig::variant_driver, test::the_rig().options().modules);
    for (std::size_t i = 0; i < world.seats(); ++i)
        pci::bind(test::the_rig().function(i).address, rig::variant_driver);
    test::the_rig().reconnect();
    world.revive_all();
}

struct Step {
    const char *name;
    unsigned weight;
    void (*run)(World &);
};

constexpr std::array steps{
    Step{"work", 12, work},
    Step{"migrate", 10, migrate},
    Step{"cancel", 5, cancel},
    Step{"load damaged", 5, load_damaged},
    Step{"disturb a free function", 5, disturb_free},
    Step{"disturb a tenant", 4, disturb_tenant},
    Step{"reset under a reader", 3, reset_under_a_reader},
    Step{"guest restarts", 3, guest_restarts},
    Step{"rebind", 2, rebind_free},
    Step{"reset the PF", 1, reset_pf},
    Step{"rebind the PF", 1, rebind_pf},
    Step{"remove the slot", 1, remove_slot},
    Step{"recreate the functions", 1, recreate},
    Step{"reload the driver", 1, reload_driver},
};

const Step &any_step(World &world) {
    std::size_t total = 0;
    for (const Step &step : steps)
        total += step.weight;
    std::size_t left = world.any(total);
    for (const Step &step : steps) {
        if (left < step.weight)
            return step;
        left -= step.weight;
    }
    return steps.front();
}

} // namespace

TEST(Soak, RandomWalk) {
    fmt::print("seed {}: the same walk with SOAK_SEED={}\n", seed(), seed());
    Random random{seed()};
    World world{random};
    const auto end = std::chrono::steady_clock::now() + duration();
    std::map<std::string, unsigned> done;
    unsigned number = 0;
    // each kind once, whatever the dice say, and then for as long as there is time
    while (number < steps.size() || std::chrono::steady_clock::now() < end) {
        const Step &step = number < steps.size() ? steps[number] : any_step(world);
        ++number;
        SCOPED_TRACE(fmt::format("seed {}, step {}: {}", seed(), number, step.name));
        fmt::print("step {}: {}\n", number, step.name);
        try {
            step.run(world);
            work(world);
        } catch (const std::exception &error) {
            FAIL() << error.what();
        }
        if (HasFailure())
            return;
        ++done[step.name];
    }
    for (std::size_t i = 0; i < World::tenants; ++i)
        world.tenant(i).check_all();
    for (const auto &[name, count] : done)
        fmt::print("  {:5} x {}\n", count, name);
    fmt::print("{} steps, seed {}\n", number, seed());
}

TEST(Soak, ThereAndBackManyTimes) {
    fmt::print("seed {}\n", seed());
    Random random{seed()};
    World world{random};
    for (unsigned round = 1; round <= migrations(); ++round) {
        SCOPED_TRACE(fmt::format("seed {}, round {}", seed(), round));
        const std::size_t home = world.place(0);
        for (unsigned leg = 0; leg < 2; ++leg) {
            world.tenant(1).start(4);
            world.migrate(0, leg ? home : world.free_seat());
            world.tenant(1).finish();
            work(world);
        }
        if (round % 50 == 0)
            fmt::print("{} of {} times there and back\n", round, migrations());
        if (HasFailure())
            return;
    }
    for (std::size_t i = 0; i < World::tenants; ++i)
        world.tenant(i).check_all();
}

} // namespace lm::soak
