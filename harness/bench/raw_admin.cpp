// SPDX-License-Identifier: GPL-2.0-only
#include "raw_admin.hpp"

#include "stats.hpp"

#include <bit>
#include <fmt/format.h>
#include <linux/nvme_ioctl.h>

namespace lm::bench {

RawAdmin::RawAdmin(const std::string &device, std::size_t piece, unsigned depth)
    : fd_{open_file(device, O_RDWR)}, piece_{piece}, depth_{depth}, ring_{std::bit_ceil(depth)},
      memory_{piece * depth} {}

void RawAdmin::queue(const nvme::Sqe &sqe, ByteSpan data, std::uint64_t tag) {
    nvme_uring_cmd command{};
    command.opcode = sqe.opcode;
    command.flags = sqe.flags;
    command.nsid = sqe.nsid;
    command.cdw2 = sqe.cdw2;
    command.cdw3 = sqe.cdw3;
    command.cdw10 = sqe.cdw10;
    command.cdw11 = sqe.cdw11;
    command.cdw12 = sqe.cdw12;
    command.cdw13 = sqe.cdw13;
    command.cdw14 = sqe.cdw14;
    command.cdw15 = sqe.cdw15;
    command.addr = reinterpret_cast<std::uintptr_t>(data.data());
    command.data_len = static_cast<std::uint32_t>(data.size());
    ring_.queue_command(fd_.get(), NVME_URING_CMD_ADMIN, bytes_of(command), tag);
}

UringResult RawAdmin::wait() {
    const UringResult result = ring_.submit_and_wait();
    if (result.res < 0)
        throw_error(-result.res, "NVME_URING_CMD_ADMIN");
    if (result.res > 0)
        throw std::runtime_error{
            fmt::format("a raw command should succeed, and came back with status {:#x}; was the "
                        "function in the right state?",
                        result.res)};
    return result;
}

double RawAdmin::read_state(const nvme::Passthrough &pf, Cntlid cntlid, std::uint64_t size) {
    nvme::StatePiece piece = pf.piece(cntlid, ByteOffset{0}, 0);
    std::uint64_t at = 0;
    unsigned busy = 0;
    const auto issue = [&](std::uint64_t slot) {
        const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(piece_, size - at));
        piece.offset = ByteOffset{at};
        piece.dwords = static_cast<std::uint32_t>(bytes / 4);
        queue(nvme::get_controller_state(piece), memory_.bytes().subspan(slot * piece_, bytes),
              slot);
        at += bytes;
        ++busy;
    };

    const Clock::time_point start = Clock::now();
    for (unsigned slot = 0; slot < depth_ && at < size; ++slot)
        issue(slot);
    while (busy) {
        const std::uint64_t slot = wait().user_data;
        --busy;
        if (at < size)
            issue(slot);
    }
    return seconds_since(start);
}

double RawAdmin::write_state(const nvme::Passthrough &pf, Cntlid cntlid, ByteView state) {
    nvme::StatePiece piece = pf.piece(cntlid, ByteOffset{0}, 0);
    std::size_t at = 0;
    unsigned busy = 0;
    const auto issue = [&] {
        const std::size_t bytes = std::min(piece_, state.size() - at);
        const bool first = at == 0;
        const bool last = at + bytes == state.size();
        // the kernel only reads it, but the interface has one pointer for both ways
        const ByteSpan data{const_cast<std::byte *>(state.data()) + at, bytes};
        piece.offset = ByteOffset{at};
        piece.dwords = static_cast<std::uint32_t>(bytes / 4);
        queue(nvme::set_controller_state(
                  piece, static_cast<nvme::Sequence>((first ? 1 : 0) | (last ? 2 : 0))),
              data, 0);
        at += bytes;
        ++busy;
    };
    // the first one before all others, the last one after them
    const auto may_issue = [&] {
        return at < state.size() && busy < (at + piece_ >= state.size() ? 1 : depth_);
    };

    const Clock::time_point start = Clock::now();
    issue();
    while (busy) {
        wait();
        --busy;
        while (may_issue())
            issue();
    }
    return seconds_since(start);
}

double RawAdmin::single(const nvme::Sqe &sqe, ByteSpan data) {
    const Clock::time_point start = Clock::now();
    queue(sqe, data, 0);
    wait();
    return seconds_since(start);
}

} // namespace lm::bench
