// SPDX-License-Identifier: GPL-2.0-only
#include "hostile/fixture.hpp"

#include "util/deadline.hpp"
#include "util/sysfs.hpp"

#include <filesystem>

namespace lm::test {

void Hostile::TearDown() {
    pf().submit(nvme::disarm_all_faults(true));
}

Hostile::Source Hostile::source(std::size_t n) {
    Endpoint end = endpoint(n);
    Guest &guest = boot(end.machine);
    guest.write(guest.queue(), Lba{0}, seed);
    return {end, guest};
}

void Hostile::expect_goes_on(Source &from) {
    ASSERT_EQ(from.end.migration.state(), State::running);
    from.guest.verify(from.guest.queue(), Lba{0}, seed);
    from.guest.write_and_verify(from.guest.queue(), Lba{8}, seed + 1);
}

void Hostile::expect_runs_again(Source &from) {
    ASSERT_EQ(outcome([&] { from.end.migration.set(State::running); }), errno_name(0));
    expect_goes_on(from);
}

void Hostile::expect_moves(Source &from, Endpoint &to) {
    to.migration.load(from.end.migration.save());
    from.guest.move_to(to.machine);
    to.migration.set(State::running);
    from.guest.verify(from.guest.queue(), Lba{0}, seed);
    from.guest.write_and_verify(from.guest.queue(), Lba{8}, seed + 2);
    reset(from.end);
}

void Hostile::finish_move(Source &from, migration::DataFile &file, Bytes stream, Endpoint &to) {
    from.end.migration.set(State::stop_copy);
    const Bytes rest = file.read_all();
    stream.insert(stream.end(), rest.begin(), rest.end());
    ASSERT_EQ(errno_name(load_error(to, stream)), errno_name(0));
    from.guest.move_to(to.machine);
    to.migration.set(State::running);
}

void Hostile::expect_resettable(Endpoint &end) {
    reset(end);
    end.machine.device().enable_bus_master();
    Guest &guest = boot(end.machine);
    guest.write_and_verify(guest.queue(), Lba{16}, seed + 3);
    EXPECT_GT(end.migration.save().size(), 0U);
}

Bytes Hostile::save(const Endpoint &end, bool live) {
    migration::Migration from = end.migration;
    if (!live)
        return from.save();
    migration::DataFile file = from.set_with_file(State::pre_copy);
    Bytes stream = file.read_pass();
    from.set(State::stop_copy);
    const Bytes rest = file.read_all();
    stream.insert(stream.end(), rest.begin(), rest.end());
    from.set(State::stop);
    return stream;
}

unsigned Hostile::pf_resets() {
    return static_cast<unsigned>(
        std::stoul(sysfs::read(the_rig().pf().address.sysfs() / "nvme_lm/resets")));
}

namespace {

std::filesystem::path class_folder() {
    return std::filesystem::path{"/sys/class/nvme"} /
           std::filesystem::path{the_rig().pf().device}.filename();
}

} // namespace

void Hostile::wait_live() {
    wait_until([] { return sysfs::read(class_folder() / "state") == "live"; },
               "the PF to be live again");
}

void Hostile::reset_pf() {
    sysfs::write(class_folder() / "reset_controller", "1");
    wait_live();
}

} // namespace lm::test
