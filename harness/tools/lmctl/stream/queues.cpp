// SPDX-License-Identifier: GPL-2.0-only
#include "stream/queues.hpp"

#include <fmt/format.h>
#include <unordered_map>

namespace lm::ctl {

namespace {

constexpr std::size_t header_size = nvme::ControllerState::header_size;
constexpr std::size_t nvmecs_header_size = nvme::ControllerState::nvmecs_header_size;
constexpr std::size_t queue_size = nvme::ControllerState::queue_size;

/// Collects what is wrong with a state; the offsets are those in the state.
class Complaints {
  public:
    explicit Complaints(Inspection &out) : out_{&out} {}
    template <typename... Args>
    void operator()(std::uint64_t at, fmt::format_string<Args...> text, Args &&...args) {
        out_->fail(Check::state, at,
                   fmt::format("state byte {}: ", at) +
                       fmt::format(text, std::forward<Args>(args)...));
    }

  private:
    Inspection *out_;
};

nvme::SqState read_sq(ByteView entry) {
    const auto attr = load<std::uint16_t>(entry, 14);
    return {.prp1 = Iova{load<std::uint64_t>(entry, 0)},
            .size = load<std::uint16_t>(entry, 8),
            .id = QueueId{load<std::uint16_t>(entry, 10)},
            .cq = QueueId{load<std::uint16_t>(entry, 12)},
            .contiguous = (attr & 1) != 0,
            .priority = static_cast<std::uint8_t>(attr >> 1 & 3),
            .head = load<std::uint16_t>(entry, 16),
            .tail = load<std::uint16_t>(entry, 18)};
}

nvme::CqState read_cq(ByteView entry) {
    const auto attr = load<std::uint32_t>(entry, 16);
    return {.prp1 = Iova{load<std::uint64_t>(entry, 0)},
            .size = load<std::uint16_t>(entry, 8),
            .id = QueueId{load<std::uint16_t>(entry, 10)},
            .head = load<std::uint16_t>(entry, 12),
            .tail = load<std::uint16_t>(entry, 14),
            .contiguous = (attr & 1) != 0,
            .interrupts = (attr & 2) != 0,
            .slot0_phase = (attr & 4) != 0,
            .vector = Vector{static_cast<std::uint16_t>(attr >> 16)}};
}

/// The rules that a queue of either kind follows.
template <typename Queue>
void check_queue(const Queue &queue, std::uint64_t at, std::string_view kind,
                 Complaints &complain) {
    if (queue.id.value == 0)
        complain(at, "{} 0 is the admin queue, which is not part of NVMECS", kind);
    if (queue.size == 0)
        complain(at, "{} {} has one entry, and two are the least", kind, queue.id.value);
    if (queue.head > queue.size || queue.tail > queue.size)
        complain(at, "{} {}: expected head and tail below {}, found {} and {}", kind,
                 queue.id.value, queue.size + 1, queue.head, queue.tail);
    if (queue.prp1.value % 4096 != 0)
        complain(at, "{} {}: memory at {:#x} begins inside of a page", kind, queue.id.value,
                 queue.prp1.value);
}

/// Identifiers are used once, and each SQ completes into a CQ that is there.
void check_relations(const ControllerStateView &view, Complaints &complain) {
    std::unordered_map<std::uint16_t, bool> cqs;
    for (const nvme::CqState &cq : view.cqs)
        if (!cqs.emplace(cq.id.value, true).second)
            complain(header_size, "CQ {} is there twice", cq.id.value);
    std::unordered_map<std::uint16_t, bool> sqs;
    for (const nvme::SqState &sq : view.sqs) {
        if (!sqs.emplace(sq.id.value, true).second)
            complain(header_size, "SQ {} is there twice", sq.id.value);
        if (!cqs.contains(sq.cq.value))
            complain(header_size, "SQ {} completes into CQ {}, which is not there", sq.id.value,
                     sq.cq.value);
    }
}

void read_queues(ByteView head, ControllerStateView &view, Complaints &complain) {
    const std::size_t sqs = load<std::uint16_t>(head, header_size + 2);
    const std::size_t cqs = load<std::uint16_t>(head, header_size + 4);
    const std::size_t expected = nvmecs_header_size + queue_size * (sqs + cqs);
    if (view.nvmecs_bytes != expected) {
        complain(header_size, "expected {} bytes of NVMECS for {} SQs and {} CQs, found {}",
                 expected, sqs, cqs, view.nvmecs_bytes);
        return;
    }
    if (head.size() < header_size + expected) {
        complain(head.size(), "the state ends inside of its queues");
        return;
    }
    std::size_t at = header_size + nvmecs_header_size;
    for (std::size_t i = 0; i < sqs; ++i, at += queue_size) {
        view.sqs.push_back(read_sq(slice(head, at, queue_size)));
        check_queue(view.sqs.back(), at, "SQ", complain);
    }
    for (std::size_t i = 0; i < cqs; ++i, at += queue_size) {
        view.cqs.push_back(read_cq(slice(head, at, queue_size)));
        check_queue(view.cqs.back(), at, "CQ", complain);
    }
    view.queues_read = true;
    check_relations(view, complain);
}

/// A 128-bit count of dwords as bytes; nothing when no state is that long.
std::optional<std::uint64_t> dword_count(ByteView head, std::size_t at, std::uint64_t size) {
    const auto low = load<std::uint64_t>(head, at);
    const auto high = load<std::uint64_t>(head, at + 8);
    if (high != 0 || low > size / 4)
        return std::nullopt;
    return low * 4;
}

} // namespace

void read_controller_state(ByteView head, std::uint64_t size, Inspection &out) {
    Complaints complain{out};
    if (head.size() < header_size) {
        complain(head.size(), "expected {} bytes of header, found {}", header_size, head.size());
        return;
    }
    ControllerStateView &view = out.state.emplace();
    view.version = load<std::uint16_t>(head, 0);
    view.suspended = (load<std::uint8_t>(head, 2) & 1) != 0;
    const auto nvmecs = dword_count(head, 16, size);
    const auto vendor = dword_count(head, 32, size);
    view.nvmecs_bytes = nvmecs.value_or(0);
    view.vendor_bytes = vendor.value_or(0);
    if (!nvmecs || !vendor || header_size + *nvmecs + *vendor != size) {
        complain(16, "its header's sizes do not make up the {} bytes that there are", size);
        return;
    }
    if (!view.suspended)
        complain(2, "it was taken of a controller that was not suspended");
    if (*nvmecs < nvmecs_header_size || head.size() < header_size + nvmecs_header_size) {
        complain(header_size, "expected at least {} bytes of NVMECS, found {}", nvmecs_header_size,
                 *nvmecs);
        return;
    }
    view.nvmecs_version = load<std::uint16_t>(head, header_size);
    // Another version is no mistake: only the device understands it.
    if (view.nvmecs_version == 0)
        read_queues(head, view, complain);
}

} // namespace lm::ctl
