// SPDX-License-Identifier: GPL-2.0-only
/// The guest's NVMe driver: knows memory and registers, and nothing of migration.
#pragma once

#include "nvme/command.hpp"
#include "nvme/data_buffer.hpp"
#include "nvme/queue_pair.hpp"
#include "util/deadline.hpp"
#include "vfio/device.hpp"

#include <map>
#include <memory>
#include <optional>

namespace lm::nvme {

/// What the driver needs to know of a namespace.
struct NamespaceInfo {
    Nsid nsid;
    std::uint64_t blocks;
    std::uint32_t block_size;
};

/// Drives one controller. Which function that is can change under it, as it
/// does for a guest that is migrated: see plug().
class Driver {
  public:
    explicit Driver(std::shared_ptr<iommu::AddressSpace> space, std::uint16_t admin_entries = 32);

    /// Reach this function's registers from now on. Positions, rings and
    /// outstanding commands stay as they are.
    void plug(vfio::Device &device);
    /// Let go of the registers: a mapped BAR keeps the function open.
    void unplug();
    /// Which function the driver reaches; nullptr after unplug().
    [[nodiscard]] const vfio::Device *plugged() const { return device_; }

    /// Reset the controller, give it the admin queue, enable it.
    void bring_up();
    /// CC.EN = 0 and wait; all queues are gone afterwards.
    void disable();

    [[nodiscard]] std::shared_ptr<iommu::AddressSpace> address_space() const { return space_; }
    template <std::unsigned_integral T> [[nodiscard]] T read_register(std::size_t offset) const {
        return bar_->read<T>(offset);
    }
    template <std::unsigned_integral T> void write_register(std::size_t offset, T value) {
        bar_->write<T>(offset, value);
    }
    /// Raw doorbell writes, for tests of doorbells.
    void write_sq_doorbell(QueueId id, std::uint32_t value);

    [[nodiscard]] QueuePair &admin_queue() { return admin_; }
    [[nodiscard]] QueuePair &io_queue(QueueId id) { return *pairs_.at(id); }
    [[nodiscard]] const std::map<QueueId, std::unique_ptr<QueuePair>> &io_queues() const {
        return pairs_;
    }

    /// Place a command and ring.
    Cid submit(QueuePair &queue, const Sqe &sqe);
    /// Tell the device of all commands placed.
    void ring(QueuePair &queue);
    /// Wait for one command; others that complete meanwhile are kept for their waiter.
    Cqe wait(QueuePair &queue, Cid cid, std::chrono::milliseconds limit = patience);
    /// Take what has completed by now, and free its slots.
    std::size_t reap(QueuePair &queue);
    /// A completion that reap() or wait() has put aside.
    std::optional<Cqe> completed(QueuePair &queue, Cid cid);

    /// An admin command from start to end, whatever its status.
    Cqe admin(const Sqe &sqe);
    /// The same, throwing NvmeError unless it succeeds.
    Cqe admin_require(const Sqe &sqe);
    /// An admin command with a page of data in or out.
    Cqe admin_with_data(Sqe sqe, const DataBuffer &data, std::size_t size);

    QueuePair &create_io_pair(const QueueOptions &options);
    void delete_io_pair(QueueId id);

    [[nodiscard]] NamespaceInfo identify_namespace(Nsid nsid);

    /// Start a read or write of whole blocks from the start of @data.
    Cid submit_io(QueuePair &queue, Io opcode, const NamespaceInfo &ns, Lba lba,
                  std::uint16_t blocks, const DataBuffer &data);
    /// A read or write from start to end.
    Cqe io(QueuePair &queue, Io opcode, const NamespaceInfo &ns, Lba lba, std::uint16_t blocks,
           const DataBuffer &data);

  private:
    void wait_ready(bool ready);

    std::shared_ptr<iommu::AddressSpace> space_;
    const vfio::Device *device_ = nullptr;
    std::optional<vfio::Bar> bar_;
    std::size_t stride_ = 4;
    QueuePair admin_;
    std::map<QueueId, std::unique_ptr<QueuePair>> pairs_;
    std::map<std::pair<QueueId, Cid>, Cqe> kept_;
};

} // namespace lm::nvme
