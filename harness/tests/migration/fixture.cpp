// SPDX-License-Identifier: GPL-2.0-only
#include "migration/fixture.hpp"

#include "rig/modules.hpp"

#include <cstring>

namespace lm::test {

rig::Options default_options() {
    return {.vfs = 3, .driver = rig::variant_driver};
}

std::string errno_name(int error) {
    const char *name = ::strerrorname_np(error);
    return error == 0 ? "no error" : name ? name : std::to_string(error);
}

Endpoint MigrationTest::endpoint(std::size_t n) {
    Machine &machine = open(n);
    return {machine, migration::Migration{machine.device()}};
}

bool MigrationTest::has(const migration::Migration &m, State state) {
    const std::uint64_t flags = m.flags();
    switch (state) {
    case State::running_p2p:
        return flags & VFIO_MIGRATION_P2P;
    case State::pre_copy:
        return flags & VFIO_MIGRATION_PRE_COPY;
    case State::pre_copy_p2p:
        return flags & VFIO_MIGRATION_P2P && flags & VFIO_MIGRATION_PRE_COPY;
    default:
        return true;
    }
}

void MigrationTest::reset(Endpoint &end) {
    end.machine.device().reset();
    ASSERT_EQ(end.migration.state(), State::running) << "a reset puts a function into RUNNING";
}

int MigrationTest::load_error(Endpoint &end, ByteView stream, std::size_t chunk) {
    migration::DataFile file = end.migration.set_with_file(State::resuming);
    const int error = error_of([&] { file.write_all(stream, chunk); });
    return error ? error : error_of([&] { end.migration.set(State::stop); });
}

} // namespace lm::test
