// SPDX-License-Identifier: GPL-2.0-only
#include "support/guest.hpp"

#include "support/run.hpp"

#include <gtest/gtest.h>

namespace lm::test {

Guest::Guest(Machine &machine, const std::vector<nvme::QueueOptions> &pairs)
    : driver_{the_rig().backend().address_space()} {
    driver_.plug(machine.device());
    driver_.bring_up();
    for (const nvme::QueueOptions &options : pairs)
        driver_.create_io_pair(options);
    disk_ = driver_.identify_namespace(shared_namespace);
}

void Guest::write(nvme::QueuePair &queue, Lba lba, std::uint64_t seed, std::uint16_t blocks) {
    const std::size_t size = std::size_t{blocks} * disk_.block_size;
    const nvme::DataBuffer data = buffer(size);
    data.fill(seed, size);
    EXPECT_EQ(driver_.io(queue, nvme::Io::write, disk_, lba, blocks, data).status(),
              nvme::status::success);
}

void Guest::verify(nvme::QueuePair &queue, Lba lba, std::uint64_t seed, std::uint16_t blocks) {
    const std::size_t size = std::size_t{blocks} * disk_.block_size;
    const nvme::DataBuffer data = buffer(size);
    EXPECT_EQ(driver_.io(queue, nvme::Io::read, disk_, lba, blocks, data).status(),
              nvme::status::success);
    EXPECT_EQ(data.mismatch(seed, size), std::nullopt) << "first wrong byte, LBA " << lba.value;
}

void Guest::write_and_verify(nvme::QueuePair &queue, Lba lba, std::uint64_t seed,
                             std::uint16_t blocks) {
    write(queue, lba, seed, blocks);
    verify(queue, lba, seed, blocks);
}

std::vector<nvme::QueueOptions> queue_pairs(unsigned count, Machine &machine,
                                            std::uint16_t sq_entries, std::uint16_t cq_entries,
                                            bool interrupts) {
    const unsigned vectors = machine.interrupts().count();
    std::vector<nvme::QueueOptions> pairs;
    for (std::uint16_t id = 1; id <= count; ++id)
        pairs.push_back({.id = QueueId{id},
                         .sq_entries = sq_entries,
                         .cq_entries = cq_entries,
                         .vector = Vector{static_cast<std::uint16_t>(id % vectors)},
                         .interrupts = interrupts});
    return pairs;
}

} // namespace lm::test
