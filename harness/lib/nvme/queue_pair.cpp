// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/queue_pair.hpp"

#include <atomic>
#include <cstring>
#include <fmt/format.h>

namespace lm::nvme {

namespace {
/// No command has this identifier (the specification keeps it for errors).
constexpr std::uint16_t reserved_cid = 0xffff;
} // namespace

QueuePair::QueuePair(const std::shared_ptr<iommu::AddressSpace> &space, const QueueOptions &options)
    : options_{options}, sq_{space, options.sq_entries * sizeof(Sqe)},
      cq_{space, options.cq_entries * sizeof(Cqe)} {}

bool QueuePair::has_room() const {
    return (sq_tail_ + 1) % options_.sq_entries != sq_head_;
}

Cid QueuePair::push(Sqe sqe) {
    if (!has_room())
        throw std::logic_error{fmt::format("submission queue {} is full", id().value)};
    while (next_cid_ == reserved_cid || outstanding_.contains(next_cid_))
        ++next_cid_;
    sqe.cid = next_cid_++;
    std::memcpy(sq_.bytes().data() + sq_tail_ * sizeof(Sqe), &sqe, sizeof(sqe));
    outstanding_.emplace(sqe.cid, sq_tail_);
    sq_tail_ = static_cast<std::uint16_t>((sq_tail_ + 1) % options_.sq_entries);
    return Cid{sqe.cid};
}

Cqe QueuePair::read_slot(std::uint16_t slot) const {
    // The phase tag is read first, the rest only once it says that the rest is there.
    constexpr std::size_t words = sizeof(Cqe) / sizeof(std::uint32_t);
    std::array<std::uint32_t, words> raw{};
    raw[words - 1] = cq_.at<std::uint32_t>(slot * words + words - 1);
    std::atomic_thread_fence(std::memory_order_acquire);
    for (std::size_t i = 0; i + 1 < words; ++i)
        raw[i] = cq_.at<std::uint32_t>(slot * words + i);
    return std::bit_cast<Cqe>(raw);
}

bool QueuePair::pending() const {
    return read_slot(cq_head_).phase() == phase_;
}

std::optional<Cqe> QueuePair::take() {
    const Cqe cqe = read_slot(cq_head_);
    if (cqe.phase() != phase_)
        return std::nullopt;
    check_completion(cqe);
    outstanding_.erase(cqe.cid);
    sq_head_ = cqe.sq_head;
    if (++cq_head_ == options_.cq_entries) {
        cq_head_ = 0;
        phase_ = !phase_;
    }
    return cqe;
}

void QueuePair::check_completion(const Cqe &cqe) {
    if (cqe.sq_id != id().value)
        throw ProtocolViolation{
            fmt::format("completion queue {} has a completion of queue {}", id().value, cqe.sq_id)};
    if (!outstanding_.contains(cqe.cid))
        throw ProtocolViolation{fmt::format(
            "queue {} completes command {:#x}, which is not outstanding", id().value, cqe.cid)};
    if (cqe.sq_head >= options_.sq_entries)
        throw ProtocolViolation{fmt::format("queue {} of {} entries reports its head at {}",
                                            id().value, options_.sq_entries, cqe.sq_head)};
    const unsigned entries = options_.sq_entries;
    const unsigned advance = (cqe.sq_head + entries - sq_head_) % entries;
    const unsigned placed = (sq_tail_ + entries - sq_head_) % entries;
    if (advance > placed)
        throw ProtocolViolation{
            fmt::format("queue {} reports its head at {}, beyond the tail {} or back from {}",
                        id().value, cqe.sq_head, sq_tail_, sq_head_)};
}

void QueuePair::ring_submission(vfio::Bar &bar, std::size_t stride) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    bar.write<std::uint32_t>(reg::doorbells + 2 * id().value * stride, sq_tail_);
}

void QueuePair::ring_completion(vfio::Bar &bar, std::size_t stride) {
    bar.write<std::uint32_t>(reg::doorbells + (2 * id().value + 1) * stride, cq_head_);
}

void QueuePair::reset() {
    std::memset(sq_.bytes().data(), 0, sq_.size());
    std::memset(cq_.bytes().data(), 0, cq_.size());
    sq_tail_ = sq_head_ = cq_head_ = 0;
    phase_ = true;
    outstanding_.clear();
}

} // namespace lm::nvme
