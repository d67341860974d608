// SPDX-License-Identifier: GPL-2.0-only
#include "uring.hpp"

#include "util/bytes.hpp"

#include <atomic>
#include <cstring>
#include <sys/syscall.h>

namespace lm::bench {

namespace {

constexpr std::size_t big_entry = 128;
constexpr std::size_t big_completion = 32;

UniqueFd setup(unsigned entries, io_uring_params &params) {
    params.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32;
    return UniqueFd{
        static_cast<int>(check(::syscall(SYS_io_uring_setup, entries, &params), "io_uring_setup"))};
}

} // namespace

Uring::Uring(unsigned entries)
    : fd_{setup(entries, params_)},
      sq_ring_{fd_.get(), params_.sq_off.array + params_.sq_entries * sizeof(std::uint32_t),
               IORING_OFF_SQ_RING},
      cq_ring_{fd_.get(), params_.cq_off.cqes + params_.cq_entries * big_completion,
               IORING_OFF_CQ_RING},
      entries_{fd_.get(), params_.sq_entries * big_entry, IORING_OFF_SQES} {}

void Uring::queue_command(int fd, std::uint32_t operation, std::span<const std::byte> command,
                          std::uint64_t user_data) {
    std::uint32_t *tail = word(sq_ring_, params_.sq_off.tail);
    const std::uint32_t index = *tail & *word(sq_ring_, params_.sq_off.ring_mask);
    const ByteSpan entry = entries_.bytes().subspan(index * big_entry, big_entry);

    io_uring_sqe sqe{};
    sqe.opcode = IORING_OP_URING_CMD;
    sqe.fd = fd;
    sqe.cmd_op = operation;
    sqe.user_data = user_data;
    std::memset(entry.data(), 0, entry.size());
    std::memcpy(entry.data(), &sqe, offsetof(io_uring_sqe, cmd));
    const ByteSpan room = entry.subspan(offsetof(io_uring_sqe, cmd), command_bytes);
    std::memcpy(room.data(), slice(command, 0, std::min(command.size(), room.size())).data(),
                command.size());

    word(sq_ring_, params_.sq_off.array)[index] = index;
    std::atomic_ref{*tail}.store(*tail + 1, std::memory_order_release);
    ++queued_;
}

UringResult Uring::submit_and_wait() {
    std::uint32_t *head = word(cq_ring_, params_.cq_off.head);
    std::uint32_t *tail = word(cq_ring_, params_.cq_off.tail);
    while (queued_ || *head == std::atomic_ref{*tail}.load(std::memory_order_acquire)) {
        const bool wait = *head == std::atomic_ref{*tail}.load(std::memory_order_acquire);
        queued_ -= static_cast<unsigned>(
            check(::syscall(SYS_io_uring_enter, fd_.get(), queued_, wait ? 1 : 0,
                            wait ? IORING_ENTER_GETEVENTS : 0, nullptr, 0),
                  "io_uring_enter"));
    }
    const std::uint32_t index = *head & *word(cq_ring_, params_.cq_off.ring_mask);
    const ByteView entry =
        cq_ring_.bytes().subspan(params_.cq_off.cqes + index * big_completion, big_completion);
    const UringResult result{.user_data = load<std::uint64_t>(entry, 0),
                             .res = static_cast<std::int32_t>(load<std::uint32_t>(entry, 8)),
                             .big = load<std::uint64_t>(entry, 16)};
    std::atomic_ref{*head}.store(*head + 1, std::memory_order_release);
    return result;
}

} // namespace lm::bench
