// SPDX-License-Identifier: GPL-2.0-only
/// Moving by commands on the PF, without our modules: what a guest must not notice is
/// in support/move_scenarios.cpp; here is how, and what the state says meanwhile.
#include "device_model/fixture.hpp"
#include "support/mover.hpp"
#include "util/deadline.hpp"

#include <thread>

namespace lm::test {

namespace {

/// Suspend, get the state, set it, resume.
class ByCommands : public Mover {
  public:
    void stop(Machine &from) override {
        pf().require(nvme::suspend(from.cntlid()));
        stopped_ = &from;
    }
    void move(Guest &guest, Machine &from, Machine &to,
              const std::function<void()> &before_run) override {
        if (stopped_ != &from)
            stop(from);
        const Bytes state = pf().read_whole_state(from.cntlid());
        pf().require(nvme::suspend(to.cntlid()));
        const nvme::Status status = pf().write_whole_state(to.cntlid(), state).status;
        if (!status.ok())
            throw std::runtime_error{"the destination refused the state: " + status.text()};
        before_run();
        guest.move_to(to);
        stopped_ = nullptr;
        pf().require(nvme::resume(to.cntlid()));
    }
    void reset(Machine &machine) override { machine.device().reset(); }

  private:
    static const nvme::Passthrough &pf() { return the_rig().admin(); }
    const Machine *stopped_ = nullptr;
};

} // namespace

std::vector<WayToMove> ways_to_move() {
    return {{"Commands", [] { return std::unique_ptr<Mover>{new ByCommands}; }}};
}

using DeviceModelMove = DeviceModel;

TEST_F(DeviceModelMove, BackIntoTheSameFunctionAfterReset) {
    Machine &a = open(0);
    Guest &guest = boot(a);
    guest.write(guest.queue(), Lba{0}, 1);
    const nvme::ControllerState state = take_state(a);
    reset(a);
    give_state(a, state.bytes());
    guest.move_to(a);
    resume(a);
    guest.verify(guest.queue(), Lba{0}, 1);
}

TEST_F(DeviceModelMove, StateOfAFullCompletionQueue) {
    Machine &a = open(0);
    Guest &guest = boot(a, queue_pairs(1, a, 32, 4));
    const nvme::DataBuffer data = guest.buffer();
    for (unsigned i = 0; i < 20; ++i)
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{i}, 1, data);
    wait_until([&] { return guest.queue().pending(); }, "the first completion");
    std::this_thread::sleep_for(silence);
    const nvme::ControllerState state = take_state(a);
    EXPECT_EQ(state.completion_queues().at(0).tail, 3) << "a queue of 4 entries holds 3";
}

TEST_F(DeviceModelMove, SizeOfTheStateOfManyQueues) {
    for (const unsigned count : {1U, 2U, 8U, 31U, 64U}) {
        Machine &a = open(0);
        if (a.function().queues > count) {
            boot(a, queue_pairs(count, a, 16, 16));
            EXPECT_EQ(take_state(a).nvmecs().size(), 8 + 48UL * count);
        }
        close(a);
    }
}

} // namespace lm::test
