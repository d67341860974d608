// SPDX-License-Identifier: GPL-2.0-only
/// Shadow doorbells (Doorbell Buffer Config) of a guest that moves.
#include "device_model/fixture.hpp"
#include "util/deadline.hpp"

namespace lm::test {

using namespace nvme::status;

class DeviceModelShadow : public DeviceModel {
  protected:
    /// Give the controller its two pages, as a paravirtual driver does before it
    /// makes its I/O queues.
    void configure(Guest &guest) {
        shadow_.emplace(guest.driver().address_space(), 4096);
        events_.emplace(guest.driver().address_space(), 4096);
        nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(nvme::Admin::doorbell_buffer_config)};
        sqe.prp1 = shadow_->iova().value;
        sqe.prp2 = events_->iova().value;
        guest.driver().admin_require(sqe);
    }

    /// One read that is announced in memory first, then by the register.
    void read_through_shadow(Guest &guest) {
        nvme::QueuePair &queue = guest.queue();
        const nvme::DataBuffer data = guest.buffer();
        nvme::Sqe sqe = nvme::io(nvme::Io::read, guest.disk().nsid, Lba{0}, 1);
        data.describe(sqe, guest.disk().block_size);
        const Cid cid = queue.push(sqe);
        shadow_tail(queue) = queue.sq_tail();
        guest.driver().ring(queue);
        EXPECT_EQ(guest.driver().wait(queue, cid).status(), success);
        shadow_->at<std::uint32_t>(2 * queue.id().value + 1U) = queue.cq_head();
    }

    /// Where the controller says that it wants to be told of new commands.
    volatile std::uint32_t &event_index(const nvme::QueuePair &queue) {
        return events_->at<std::uint32_t>(2 * queue.id().value);
    }

    /// Where the guest announces its new commands.
    volatile std::uint32_t &shadow_tail(const nvme::QueuePair &queue) {
        return shadow_->at<std::uint32_t>(2 * queue.id().value);
    }

  private:
    // After the fixture's own members in the order of destruction: they go first,
    // when no command that could write to them is left.
    std::optional<iommu::DmaBuffer> shadow_;
    std::optional<iommu::DmaBuffer> events_;
};

TEST_F(DeviceModelShadow, AreStillUsedAfterAMove) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, {});
    configure(guest);
    guest.driver().create_io_pair(queue_pairs(1, a).front());
    for (unsigned i = 0; i < 5; ++i)
        read_through_shadow(guest);
    ASSERT_EQ(event_index(guest.queue()), guest.queue().sq_tail()) << "at the source";
    move(guest, a, b);
    constexpr std::uint32_t untouched = 0xdead;
    event_index(guest.queue()) = untouched;
    read_through_shadow(guest);
    wait_until([&] { return event_index(guest.queue()) != untouched; }, "an event index");
    EXPECT_EQ(event_index(guest.queue()), guest.queue().sq_tail()) << "at the destination";
    guest.driver().disable();
}

TEST_F(DeviceModelShadow, CommandAnnouncedOnlyInMemoryIsNotLost) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, {});
    configure(guest);
    guest.driver().create_io_pair(queue_pairs(1, a).front());
    read_through_shadow(guest);
    suspend(a);
    nvme::QueuePair &queue = guest.queue();
    const nvme::DataBuffer data = guest.buffer();
    nvme::Sqe sqe = nvme::io(nvme::Io::read, guest.disk().nsid, Lba{0}, 1);
    data.describe(sqe, guest.disk().block_size);
    const Cid cid = queue.push(sqe);
    shadow_tail(queue) = queue.sq_tail();
    give_state(b, pf().read_whole_state(a.cntlid()));
    guest.move_to(b);
    resume(b);
    EXPECT_EQ(guest.driver().wait(queue, cid).status(), success);
    guest.driver().disable();
}

} // namespace lm::test
