// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/controller_state.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace lm::nvme {

namespace {

// The rig's device can be told to have up to 4 GiB of state of its own.
constexpr std::uint64_t largest_state = (std::uint64_t{4} << 30) + (std::uint64_t{1} << 20);

/// A 128-bit count of dwords, as bytes.
std::uint64_t size_field(ByteView header, std::size_t offset, const char *name) {
    const auto low = load<std::uint64_t>(header, offset);
    const auto high = load<std::uint64_t>(header, offset + 8);
    if (high != 0 || low > largest_state / 4)
        throw std::runtime_error{fmt::format(
            "{} says {:#x}:{:016x} dwords, more than any state here has", name, high, low)};
    return low * 4;
}

SqState read_sq(ByteView entry) {
    const auto attr = load<std::uint16_t>(entry, 14);
    if (load<std::uint32_t>(entry, 20) != 0)
        throw std::runtime_error{"reserved bytes 20-23 of a submission queue entry are not 0"};
    return {
        .prp1 = Iova{load<std::uint64_t>(entry, 0)},
        .size = load<std::uint16_t>(entry, 8),
        .id = QueueId{load<std::uint16_t>(entry, 10)},
        .cq = QueueId{load<std::uint16_t>(entry, 12)},
        .contiguous = (attr & 1) != 0,
        .priority = static_cast<std::uint8_t>(attr >> 1 & 3),
        .head = load<std::uint16_t>(entry, 16),
        .tail = load<std::uint16_t>(entry, 18),
    };
}

CqState read_cq(ByteView entry) {
    const auto attr = load<std::uint32_t>(entry, 16);
    if (load<std::uint32_t>(entry, 20) != 0)
        throw std::runtime_error{"reserved bytes 20-23 of a completion queue entry are not 0"};
    return {
        .prp1 = Iova{load<std::uint64_t>(entry, 0)},
        .size = load<std::uint16_t>(entry, 8),
        .id = QueueId{load<std::uint16_t>(entry, 10)},
        .head = load<std::uint16_t>(entry, 12),
        .tail = load<std::uint16_t>(entry, 14),
        .contiguous = (attr & 1) != 0,
        .interrupts = (attr & 2) != 0,
        .slot0_phase = (attr & 4) != 0,
        .vector = Vector{static_cast<std::uint16_t>(attr >> 16)},
    };
}

} // namespace

std::size_t ControllerState::total_size(ByteView header) {
    return header_size + size_field(header, 16, "NVMECSS") + size_field(header, 32, "VSS");
}

ControllerState::ControllerState(Bytes bytes) : bytes_{std::move(bytes)} {
    if (const std::size_t expected = total_size(bytes_); expected != bytes_.size())
        throw std::runtime_error{fmt::format("the state's header makes it {} bytes, and it has {}",
                                             expected, bytes_.size())};
    if (!all_zero(slice(bytes_, 3, 13)))
        throw std::runtime_error{"reserved bytes 3-15 of the state's header are not 0"};
    nvmecs_bytes_ = size_field(bytes_, 16, "NVMECSS");
    read_queues();
}

void ControllerState::read_queues() {
    const ByteView cs = nvmecs();
    if (load<std::uint16_t>(cs, 0) != 0)
        throw std::runtime_error{"the NVMECS version is not 0, the only one known here"};
    const std::size_t sqs = load<std::uint16_t>(cs, 2);
    const std::size_t cqs = load<std::uint16_t>(cs, 4);
    const std::size_t expected = nvmecs_header_size + queue_size * (sqs + cqs);
    if (cs.size() != expected)
        throw std::runtime_error{fmt::format("NVMECS with {} SQs and {} CQs has {} bytes, not {}",
                                             sqs, cqs, cs.size(), expected)};
    for (std::size_t i = 0; i < sqs; ++i)
        sqs_.push_back(read_sq(slice(bytes_, sq_position(i), queue_size)));
    for (std::size_t i = 0; i < cqs; ++i)
        cqs_.push_back(read_cq(
            slice(bytes_, header_size + nvmecs_header_size + queue_size * (sqs + i), queue_size)));
}

ByteView ControllerState::vendor_specific() const {
    return ByteView{bytes_}.subspan(header_size + nvmecs_bytes_);
}

std::size_t ControllerState::sq_position(std::size_t n) const {
    return header_size + nvmecs_header_size + queue_size * n;
}

std::size_t ControllerState::cq_position(std::size_t n) const {
    return sq_position(sqs_.size() + n);
}

} // namespace lm::nvme
