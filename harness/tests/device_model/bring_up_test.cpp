// SPDX-License-Identifier: GPL-2.0-only
/// The library's own footing: a guest drives a function, with no migration at all.
#include "device_model/fixture.hpp"
#include "util/deadline.hpp"

namespace lm::test {

using namespace nvme::status;
using BringUp = DeviceModel;

TEST_F(BringUp, AdminQueueWorks) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, {});
    EXPECT_GT(guest.disk().blocks, 0U);
    EXPECT_GE(guest.disk().block_size, 512U);
}

TEST_F(BringUp, WritesAndReadsOfSeveralSizes) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    for (std::uint16_t blocks : {1, 8, 9, 16, 17, 128})
        guest.write_and_verify(guest.queue(), Lba{1000}, blocks, blocks);
}

TEST_F(BringUp, RingsWrapManyTimes) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, queue_pairs(1, vf, 8, 5));
    for (unsigned i = 0; i < 64; ++i)
        guest.write_and_verify(guest.queue(), Lba{i}, i, 1);
}

TEST_F(BringUp, InterruptsArrive) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, queue_pairs(1, vf, 64, 64, true));
    const Vector vector = guest.queue().options().vector;
    vf.interrupts().take(vector);
    guest.write(guest.queue(), Lba{0}, 1);
    EXPECT_TRUE(vf.interrupts().wait(vector, patience));
}

TEST_F(BringUp, TwoFunctionsShareTheMedium) {
    Machine &one = open(0);
    Machine &two = open(1);
    Guest &first = boot(one);
    Guest &second = boot(two);
    first.write(first.queue(), Lba{4000}, 42);
    second.verify(second.queue(), Lba{4000}, 42);
}

TEST_F(BringUp, ResetStopsTheController) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    vf.device().reset();
    EXPECT_EQ(guest.driver().read_register<std::uint32_t>(nvme::reg::cc) & nvme::cc_enable, 0U);
    EXPECT_EQ(guest.driver().read_register<std::uint32_t>(nvme::reg::csts) & nvme::csts_ready, 0U);
}

TEST_F(BringUp, CompletionNobodyWaitsForIsSeen) {
    // The test of the test: the exactly-once check must be able to fail.
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    nvme::QueuePair &queue = guest.queue();
    const nvme::DataBuffer data = guest.buffer();
    guest.driver().submit_io(queue, nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    guest.driver().write_sq_doorbell(queue.id(), 2); // the zeroed entry 1 is a Flush with CID 0
    wait_until([&] { return queue.pending(); }, "a completion");
    EXPECT_THROW(wait_until([&] { return guest.driver().reap(queue) > 100; }, "nothing", silence),
                 nvme::ProtocolViolation);
}

} // namespace lm::test
