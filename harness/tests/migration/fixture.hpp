// SPDX-License-Identifier: GPL-2.0-only
/// Tests of the variant driver: the harness is VMM and guest.
#pragma once

#include "migration/stream.hpp"
#include "migration/vfio_migration.hpp"
#include "support/guest_test.hpp"

namespace lm::test {

/// What the support table of the README promises of every function that can be
/// migrated: VFIO_MIGRATION_* flags.
inline constexpr std::uint64_t promised_flags =
    VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY;

/// A function with its migration interface.
struct Endpoint {
    Machine &machine;
    migration::Migration migration;
};

/// Functions on the variant driver.
class MigrationTest : public GuestTest {
  protected:
    using State = migration::State;

    /// Open the n-th function for migration.
    Endpoint endpoint(std::size_t n);

    /// Reset a function, after which it is RUNNING and may be a destination.
    static void reset(Endpoint &end);

    /// The errno of loading a stream, whichever call gives it; 0 when it loads.
    static int load_error(Endpoint &end, ByteView stream, std::size_t chunk = 1 << 20);

    /// Whether a function has the state at all.
    static bool has(const migration::Migration &m, State state);

    /// The errno of an action that throws std::system_error; 0 when it does not.
    template <typename Action> static int error_of(Action action) {
        try {
            action();
        } catch (const std::system_error &error) {
            return error.code().value();
        }
        return 0;
    }
};

/// The name of an errno, for messages that people read.
std::string errno_name(int error);

} // namespace lm::test
