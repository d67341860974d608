// SPDX-License-Identifier: GPL-2.0-only
/// Controller state as Get Controller State returns it, read by the reference.
#pragma once

#include "util/bytes.hpp"
#include "util/types.hpp"

#include <optional>
#include <vector>

namespace lm::nvme {

/// One I/O submission queue of NVMECS v0.
struct SqState {
    Iova prp1;
    std::uint16_t size; ///< QSIZE as it travels: entries minus one
    QueueId id;
    QueueId cq;
    bool contiguous;
    std::uint8_t priority;
    std::uint16_t head;
    std::uint16_t tail;
};

/// One I/O completion queue of NVMECS v0.
struct CqState {
    Iova prp1;
    std::uint16_t size;
    QueueId id;
    std::uint16_t head;
    std::uint16_t tail;
    bool contiguous;
    bool interrupts;
    bool slot0_phase; ///< phase tag of slot 0
    Vector vector;
};

/// A complete controller state, taken apart.
class ControllerState {
  public:
    static constexpr std::size_t header_size = 48;
    static constexpr std::size_t nvmecs_header_size = 8;
    static constexpr std::size_t queue_size = 24;

    /// Bytes of the whole state, told by its 48-byte header alone.
    static std::size_t total_size(ByteView header);

    /// Throws std::runtime_error when the bytes are not one well-formed state.
    explicit ControllerState(Bytes bytes);

    [[nodiscard]] std::uint16_t version() const { return load<std::uint16_t>(bytes_, 0); }
    [[nodiscard]] bool suspended() const { return load<std::uint8_t>(bytes_, 2) & 1; }
    [[nodiscard]] const std::vector<SqState> &submission_queues() const { return sqs_; }
    [[nodiscard]] const std::vector<CqState> &completion_queues() const { return cqs_; }
    [[nodiscard]] ByteView nvmecs() const { return slice(bytes_, header_size, nvmecs_bytes_); }
    [[nodiscard]] ByteView vendor_specific() const;
    [[nodiscard]] const Bytes &bytes() const { return bytes_; }

    /// Position of the n-th queue's entry, for tests that change one.
    [[nodiscard]] std::size_t sq_position(std::size_t n) const;
    [[nodiscard]] std::size_t cq_position(std::size_t n) const;

  private:
    void read_queues();

    Bytes bytes_;
    std::size_t nvmecs_bytes_ = 0;
    std::vector<SqState> sqs_;
    std::vector<CqState> cqs_;
};

} // namespace lm::nvme
