// SPDX-License-Identifier: GPL-2.0-only
/// Functions, the guests on them, and what each guest must find on its disk.
#pragma once

#include "migration/vfio_migration.hpp"
#include "support/guest.hpp"
#include "support/run.hpp"

#include <array>
#include <memory>
#include <optional>
#include <random>

namespace lm::soak {

using Random = std::mt19937;
using test::Guest;
using test::Machine;

/// One of the functions: open or not.
struct Seat {
    std::unique_ptr<Machine> machine;
    [[nodiscard]] migration::Migration migration() const {
        return migration::Migration{machine->device()};
    }
};

/// Whether a function can be in a state that is an option of the protocol.
bool has_state(const migration::Migration &migration, migration::State state);

/// A command that a guest waits for.
struct Outstanding {
    Cid cid;
    unsigned region;
    std::uint64_t seed; ///< what a read finds
    nvme::DataBuffer data;
};

/// A guest has a part of the disk for itself, in regions of some blocks. What it
/// wrote there last it must find, wherever it runs and whatever happened.
class Tenant {
  public:
    Tenant(unsigned number, Random &random) : number_{number}, random_{&random} {}

    /// Begin anew on this machine; the disk is as it was.
    void boot(Machine &machine);
    void crash();
    [[nodiscard]] bool alive() const { return guest_ != nullptr; }
    [[nodiscard]] Guest &guest() { return *guest_; }

    /// Write something new somewhere, and check what is somewhere else.
    void work();
    /// Start reads that are not waited for; finish() looks at what they gave.
    void start(unsigned count);
    void finish();
    /// Check everything that was ever written.
    void check_all();

  private:
    [[nodiscard]] Lba lba(unsigned region) const;

    static constexpr unsigned regions = 24;
    static constexpr std::uint16_t blocks = 8;

    unsigned number_;
    Random *random_;
    std::unique_ptr<Guest> guest_;
    std::vector<Outstanding> outstanding_;
    std::array<std::optional<std::uint64_t>, regions> written_{};
    std::uint64_t writes_ = 0;
};

/// All of it. Tenants sit on functions, at most one on each.
class World {
  public:
    static constexpr std::size_t tenants = 2;

    explicit World(Random &random);
    ~World();

    [[nodiscard]] std::size_t seats() const { return seats_.size(); }
    [[nodiscard]] Seat &seat(std::size_t n) { return seats_.at(n); }
    [[nodiscard]] Tenant &tenant(std::size_t n) { return tenants_.at(n); }
    /// Where a tenant sits.
    [[nodiscard]] std::size_t place(std::size_t tenant) const { return places_.at(tenant); }
    /// A function that no tenant sits on, open.
    std::size_t free_seat();

    /// A random number below @count.
    std::size_t any(std::size_t count) { return (*random_)() % count; }
    [[nodiscard]] Random &random() { return *random_; }

    void open(std::size_t seat);
    /// Close a function, as a VMM that ends does; its tenant crashes.
    void close(std::size_t seat);
    /// Reset a function; its tenant crashes.
    void reset(std::size_t seat);
    /// Let a tenant that crashed begin anew where it sits.
    void revive(std::size_t tenant);
    void revive_all();
    /// Migrate a tenant with commands outstanding.
    void migrate(std::size_t tenant, std::size_t to);

    /// Crash everything and close every function.
    void close_all();
    /// Crash everything, make all functions anew, and let the tenants begin anew.
    void recreate();
    /// The same after the PF was taken away and brought back.
    void start_over();

  private:
    /// The state of a tenant's function, read first while it runs.
    Bytes save_running(std::size_t tenant);

    Random *random_;
    std::vector<Seat> seats_;
    std::vector<Tenant> tenants_;
    std::vector<std::size_t> places_;
};

} // namespace lm::soak
