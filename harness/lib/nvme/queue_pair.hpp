// SPDX-License-Identifier: GPL-2.0-only
/// A submission queue and its completion queue, as a host driver holds them.
#pragma once

#include "iommu/dma_buffer.hpp"
#include "nvme/wire.hpp"
#include "vfio/device.hpp"

#include <deque>
#include <map>
#include <optional>

namespace lm::nvme {

/// How a queue pair is made.
struct QueueOptions {
    QueueId id{};
    std::uint16_t sq_entries = 64;
    std::uint16_t cq_entries = 64;
    Vector vector{};
    bool interrupts = false;
};

/// What the device did that no device may do: a completion nobody waits for,
/// a second one, one of another queue, a head that goes back.
class ProtocolViolation : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The rings live in guest memory and the positions in the guest: nothing here
/// belongs to one function, so the same pair goes on after a migration.
class QueuePair {
  public:
    QueuePair(const std::shared_ptr<iommu::AddressSpace> &space, const QueueOptions &options);

    [[nodiscard]] const QueueOptions &options() const { return options_; }
    [[nodiscard]] QueueId id() const { return options_.id; }
    [[nodiscard]] Iova sq_iova() const { return sq_.iova(); }
    [[nodiscard]] Iova cq_iova() const { return cq_.iova(); }

    /// The completion queue as it is in memory.
    [[nodiscard]] ByteView cq_memory() const { return cq_.bytes(); }

    /// Where the host has put the next command, and read the next completion.
    [[nodiscard]] std::uint16_t sq_tail() const { return sq_tail_; }
    [[nodiscard]] std::uint16_t cq_head() const { return cq_head_; }
    /// The phase tag that the next completion will have.
    [[nodiscard]] bool phase() const { return phase_; }
    /// The phase tag that slot 0 of the completion queue has in memory.
    [[nodiscard]] bool slot0_phase() const { return read_slot(0).phase(); }
    /// Commands that have not completed.
    [[nodiscard]] std::size_t outstanding() const { return outstanding_.size(); }
    [[nodiscard]] bool is_outstanding(Cid cid) const { return outstanding_.contains(cid.value); }

    /// Place a command in the ring, without telling the device.
    Cid push(Sqe sqe);
    /// Whether there is room for another command.
    [[nodiscard]] bool has_room() const;
    /// Take the next completion, if there is one, without telling the device.
    std::optional<Cqe> take();
    /// Whether a completion waits to be taken.
    [[nodiscard]] bool pending() const;

    /// Tell the device of new commands.
    void ring_submission(vfio::Bar &bar, std::size_t stride);
    /// Tell the device of free completion slots.
    void ring_completion(vfio::Bar &bar, std::size_t stride);

    /// Forget everything, as after a controller reset: rings zeroed, positions 0.
    void reset();

  private:
    void check_completion(const Cqe &cqe);
    [[nodiscard]] Cqe read_slot(std::uint16_t slot) const;

    QueueOptions options_;
    iommu::DmaBuffer sq_;
    iommu::DmaBuffer cq_;
    std::uint16_t sq_tail_ = 0;
    std::uint16_t sq_head_ = 0; ///< as last reported by a completion
    std::uint16_t cq_head_ = 0;
    bool phase_ = true;
    std::uint16_t next_cid_ = 0;
    std::map<std::uint16_t, std::uint16_t> outstanding_; ///< CID to SQ slot
};

} // namespace lm::nvme
