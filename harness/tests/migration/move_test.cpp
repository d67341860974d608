// SPDX-License-Identifier: GPL-2.0-only
/// Moving through VFIO: what a guest must not notice is in
/// support/move_scenarios.cpp; here is how.
#include "migration/fixture.hpp"
#include "support/mover.hpp"

namespace lm::test {

using namespace nvme::status;
using MigrationMove = MigrationTest;

namespace {

using migration::DataFile;
using migration::Migration;
using migration::State;

/// What all ways through VFIO have in common.
class ThroughVfio : public Mover {
  public:
    void stop(Machine &from) override { Migration{from.device()}.set(State::stop); }
    void move(Guest &guest, Machine &from, Machine &to,
              const std::function<void()> &before_run) override {
        const Bytes stream = save(Migration{from.device()});
        Migration destination{to.device()};
        destination.load(stream);
        before_run();
        guest.move_to(to);
        run(destination);
    }
    void reset(Machine &machine) override { machine.device().reset(); }

  protected:
    virtual Bytes save(Migration from) { return from.save(); }
    virtual void run(Migration &to) { to.set(State::running); }
};

/// The order in which QEMU does it where a function has PRE_COPY and the P2P states.
class AsQemu : public ThroughVfio {
  public:
    std::string why_not(Machine &machine) override {
        const std::uint64_t flags = Migration{machine.device()}.flags();
        const std::uint64_t wanted = VFIO_MIGRATION_PRE_COPY | VFIO_MIGRATION_P2P;
        return (flags & wanted) == wanted ? "" : "this function lacks PRE_COPY or the P2P states";
    }

  protected:
    Bytes save(Migration from) override {
        if (from.state() != State::running)
            return ThroughVfio::save(from);
        DataFile file = from.set_with_file(State::pre_copy);
        Bytes stream = file.read_pass();
        from.set(State::pre_copy_p2p);
        from.set(State::stop_copy);
        const Bytes rest = file.read_all();
        stream.insert(stream.end(), rest.begin(), rest.end());
        from.set(State::stop);
        return stream;
    }
    void run(Migration &to) override {
        to.set(State::running_p2p);
        to.set(State::running);
    }
};

} // namespace

std::vector<WayToMove> ways_to_move() {
    return {{"StopCopy", [] { return std::unique_ptr<Mover>{new ThroughVfio}; }},
            {"PreCopyAndP2p", [] { return std::unique_ptr<Mover>{new AsQemu}; }}};
}

TEST_F(MigrationMove, DestinationOpenedWhereTheSourceWasClosed) {
    Endpoint a = endpoint(0);
    Guest &guest = boot(a.machine);
    guest.write(guest.queue(), Lba{0}, 5);
    const Bytes stream = a.migration.save();
    close(a.machine);
    Endpoint b = endpoint(0);
    b.migration.load(stream);
    guest.move_to(b.machine);
    b.migration.set(State::running);
    guest.verify(guest.queue(), Lba{0}, 5);
}

/// What a guest must not be able to do through its own admin queue.
class MigrationOwnQueue : public MigrationTest, public testing::WithParamInterface<nvme::Admin> {};

TEST_P(MigrationOwnQueue, GuestGetsInvalidOpcode) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    const nvme::DataBuffer data = guest.buffer();
    for (unsigned select = 0; select < 3; ++select) {
        nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(GetParam())};
        sqe.cdw10 = select;
        sqe.cdw11 = vf.machine.cntlid().value | 1U << 16;
        sqe.cdw15 = 16;
        EXPECT_EQ(guest.driver().admin_with_data(sqe, data, 4096).status(), invalid_opcode);
    }
    EXPECT_TRUE(all_zero(data.bytes()));
    EXPECT_EQ(vf.migration.state(), State::running);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
    EXPECT_GT(vf.migration.save().size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Commands, MigrationOwnQueue,
                         testing::Values(nvme::Admin::migration_send,
                                         nvme::Admin::migration_receive));

} // namespace lm::test
