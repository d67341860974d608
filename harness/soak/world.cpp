// SPDX-License-Identifier: GPL-2.0-only
#include "soak/world.hpp"

#include <gtest/gtest.h>

namespace lm::soak {

using migration::State;

bool has_state(const migration::Migration &migration, State state) {
    switch (state) {
    case State::running_p2p:
        return migration.flags() & VFIO_MIGRATION_P2P;
    case State::pre_copy:
        return migration.flags() & VFIO_MIGRATION_PRE_COPY;
    case State::pre_copy_p2p:
        return has_state(migration, State::pre_copy) && has_state(migration, State::running_p2p);
    default:
        return true;
    }
}

Lba Tenant::lba(unsigned region) const {
    return Lba{(std::uint64_t{number_} * regions + region) * blocks};
}

void Tenant::boot(Machine &machine) {
    crash();
    guest_ = std::make_unique<Guest>(machine, test::queue_pairs(1, machine));
}

void Tenant::crash() {
    outstanding_.clear();
    if (guest_)
        guest_->driver().unplug();
    guest_.reset();
}

void Tenant::work() {
    const unsigned region = (*random_)() % regions;
    const std::uint64_t seed = number_ + 1000 * ++writes_;
    // before it is acknowledged it may be there or not
    written_[region].reset();
    guest_->write(guest_->queue(), lba(region), seed, blocks);
    written_[region] = seed;
    const unsigned other = (*random_)() % regions;
    if (written_[other])
        guest_->verify(guest_->queue(), lba(other), *written_[other], blocks);
}

void Tenant::start(unsigned count) {
    while (count-- && guest_->queue().has_room()) {
        const unsigned region = (*random_)() % regions;
        if (!written_[region])
            continue;
        nvme::DataBuffer data = guest_->buffer(std::size_t{blocks} * guest_->disk().block_size);
        const Cid cid = guest_->driver().submit_io(guest_->queue(), nvme::Io::read, guest_->disk(),
                                                   lba(region), blocks, data);
        outstanding_.push_back({cid, region, *written_[region], std::move(data)});
    }
}

void Tenant::finish() {
    for (const Outstanding &command : outstanding_) {
        EXPECT_TRUE(guest_->driver().wait(guest_->queue(), command.cid).status().ok());
        EXPECT_EQ(
            command.data.mismatch(command.seed, std::size_t{blocks} * guest_->disk().block_size),
            std::nullopt)
            << "first wrong byte of a read that was outstanding, region " << command.region;
    }
    outstanding_.clear();
    EXPECT_EQ(guest_->queue().outstanding(), 0U);
}

void Tenant::check_all() {
    for (unsigned region = 0; region < regions; ++region)
        if (written_[region])
            guest_->verify(guest_->queue(), lba(region), *written_[region], blocks);
}

World::World(Random &random) : random_{&random}, seats_(test::the_rig().functions()) {
    for (std::size_t i = 0; i < tenants; ++i) {
        tenants_.emplace_back(static_cast<unsigned>(i), random);
        places_.push_back(i);
    }
    revive_all();
}

World::~World() {
    close_all();
}

std::size_t World::free_seat() {
    std::size_t seat = 0;
    while (std::ranges::find(places_, seat) != places_.end())
        ++seat;
    open(seat);
    return seat;
}

void World::open(std::size_t seat) {
    if (!seats_.at(seat).machine)
        seats_[seat].machine = std::make_unique<Machine>(test::the_rig(), seat);
}

void World::close(std::size_t seat) {
    for (std::size_t i = 0; i < tenants; ++i)
        if (places_[i] == seat)
            tenants_[i].crash();
    seats_.at(seat).machine.reset();
}

void World::reset(std::size_t seat) {
    for (std::size_t i = 0; i < tenants; ++i)
        if (places_[i] == seat)
            tenants_[i].crash();
    seats_.at(seat).machine->device().reset();
    EXPECT_EQ(seats_[seat].migration().state(), State::running) << "after a reset";
}

void World::revive(std::size_t tenant) {
    if (tenants_[tenant].alive())
        return;
    open(places_[tenant]);
    tenants_[tenant].boot(*seats_[places_[tenant]].machine);
    tenants_[tenant].check_all();
}

void World::revive_all() {
    for (std::size_t i = 0; i < tenants; ++i)
        revive(i);
}

Bytes World::save_running(std::size_t tenant) {
    migration::Migration source = seats_[places_[tenant]].migration();
    migration::DataFile file = source.set_with_file(State::pre_copy);
    Bytes stream = file.read_pass(1 + any(8192));
    tenants_[tenant].start(4);
    source.set(State::stop_copy);
    const Bytes rest = file.read_all(1 + any(8192));
    stream.insert(stream.end(), rest.begin(), rest.end());
    source.set(State::stop);
    return stream;
}

void World::migrate(std::size_t tenant, std::size_t to) {
    Tenant &who = tenants_[tenant];
    const std::size_t from = places_[tenant];
    who.start(1 + static_cast<unsigned>(any(20)));
    migration::Migration source = seats_[from].migration();
    const bool running = any(2) && has_state(source, State::pre_copy);
    const Bytes stream = running ? save_running(tenant) : source.save();
    seats_[to].migration().load(stream);
    who.guest().move_to(*seats_[to].machine);
    places_[tenant] = to;
    seats_[to].migration().set(State::running);
    who.finish();
    seats_[from].machine->device().reset();
}

void World::close_all() {
    for (Tenant &tenant : tenants_)
        tenant.crash();
    for (Seat &seat : seats_)
        seat.machine.reset();
}

void World::recreate() {
    close_all();
    test::the_rig().recreate();
    revive_all();
}

void World::start_over() {
    close_all();
    test::the_rig().start_over();
    revive_all();
}

} // namespace lm::soak
