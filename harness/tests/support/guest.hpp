// SPDX-License-Identifier: GPL-2.0-only
/// What the tests let a guest do.
#pragma once

#include "nvme/driver.hpp"
#include "support/machine.hpp"

#include <vector>

namespace lm::test {

/// The namespace that all functions of the rig share.
inline constexpr Nsid shared_namespace{1};

/// A guest with a running driver. It outlives the machines that it runs on.
class Guest {
  public:
    /// Bring up the controller of @machine with @pairs I/O queue pairs.
    Guest(Machine &machine, const std::vector<nvme::QueueOptions> &pairs);

    [[nodiscard]] nvme::Driver &driver() { return driver_; }
    [[nodiscard]] nvme::QueuePair &queue(std::uint16_t id = 1) {
        return driver_.io_queue(QueueId{id});
    }
    [[nodiscard]] const nvme::NamespaceInfo &disk() const { return disk_; }
    [[nodiscard]] nvme::DataBuffer buffer(std::size_t size = 4096) const {
        return {driver_.address_space(), size};
    }

    /// Go on with the same queues on this machine's function.
    void move_to(Machine &machine) { driver_.plug(machine.device()); }

    /// Write blocks with a pattern of @seed and read them back; fails the test
    /// when anything differs.
    void write_and_verify(nvme::QueuePair &queue, Lba lba, std::uint64_t seed,
                          std::uint16_t blocks = 8);
    void write(nvme::QueuePair &queue, Lba lba, std::uint64_t seed, std::uint16_t blocks = 8);
    void verify(nvme::QueuePair &queue, Lba lba, std::uint64_t seed, std::uint16_t blocks = 8);

  private:
    nvme::Driver driver_;
    nvme::NamespaceInfo disk_{};
};

/// @count queue pairs of these sizes, numbered from 1, with vectors in turn.
std::vector<nvme::QueueOptions> queue_pairs(unsigned count, Machine &machine,
                                            std::uint16_t sq_entries = 64,
                                            std::uint16_t cq_entries = 64, bool interrupts = false);

} // namespace lm::test
