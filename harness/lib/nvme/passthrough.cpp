// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/passthrough.hpp"

#include "nvme/command.hpp"
#include "nvme/controller_state.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>

namespace lm::nvme {

namespace {

constexpr std::uint32_t dwords_of(std::size_t bytes) {
    return static_cast<std::uint32_t>(bytes / 4);
}

SecondaryController read_secondary(ByteView entry) {
    return {
        .cntlid = Cntlid{load<std::uint16_t>(entry, 0)},
        .primary = Cntlid{load<std::uint16_t>(entry, 2)},
        .online = (load<std::uint8_t>(entry, 4) & 1) != 0,
        .vf_number = load<std::uint16_t>(entry, 8),
        .queues = load<std::uint16_t>(entry, 10),
        .interrupts = load<std::uint16_t>(entry, 12),
    };
}

} // namespace

NvmeError::NvmeError(const Sqe &sqe, Status status)
    : std::runtime_error{fmt::format("opcode {:02X}h (CDW10 {:#x}, CDW11 {:#x}) should succeed, "
                                     "and came back with {}",
                                     sqe.opcode, sqe.cdw10, sqe.cdw11, status.text())},
      status_{status} {}

Passthrough::Passthrough(const std::string &path) : fd_{open_file(path, O_RDWR)} {}

Completion Passthrough::submit(const Sqe &sqe, ByteSpan data,
                               std::chrono::milliseconds limit) const {
    nvme_passthru_cmd64 cmd{};
    cmd.opcode = sqe.opcode;
    cmd.flags = sqe.flags;
    cmd.nsid = sqe.nsid;
    cmd.cdw2 = sqe.cdw2;
    cmd.cdw3 = sqe.cdw3;
    cmd.cdw10 = sqe.cdw10;
    cmd.cdw11 = sqe.cdw11;
    cmd.cdw12 = sqe.cdw12;
    cmd.cdw13 = sqe.cdw13;
    cmd.cdw14 = sqe.cdw14;
    cmd.cdw15 = sqe.cdw15;
    cmd.addr = reinterpret_cast<std::uintptr_t>(data.data());
    cmd.data_len = static_cast<std::uint32_t>(data.size());
    cmd.timeout_ms = static_cast<std::uint32_t>(limit.count());
    const int result = check(::ioctl(fd_.get(), NVME_IOCTL_ADMIN64_CMD, &cmd),
                             fmt::format("NVME_IOCTL_ADMIN64_CMD, opcode {:02X}h", sqe.opcode));
    return {.status = {static_cast<std::uint8_t>(result >> 8 & 7),
                       static_cast<std::uint8_t>(result & 0xff)},
            .result = cmd.result};
}

Completion Passthrough::require(const Sqe &sqe, ByteSpan data) const {
    Completion completion = submit(sqe, data);
    if (!completion.status.ok())
        throw NvmeError{sqe, completion.status};
    return completion;
}

Bytes Passthrough::identify(Cns cns, Nsid nsid, Cntlid cntlid) const {
    Bytes data(4096);
    require(nvme::identify(cns, nsid, cntlid), data);
    return data;
}

std::vector<SecondaryController> Passthrough::secondary_controllers() const {
    constexpr std::size_t entry_size = 32;
    const Bytes list = identify(Cns::secondary_controllers);
    std::vector<SecondaryController> controllers;
    for (std::size_t i = 0; i < load<std::uint8_t>(list, 0); ++i)
        controllers.push_back(read_secondary(slice(list, entry_size * (i + 1), entry_size)));
    return controllers;
}

SecondaryLimits Passthrough::secondary_limits() const {
    // Primary Controller Capabilities: VQFRSM at 44, VIFRSM at 76.
    const Bytes caps = identify(Cns::primary_controller);
    return {.queues = load<std::uint16_t>(caps, 44), .interrupts = load<std::uint16_t>(caps, 76)};
}

StateFormats Passthrough::state_formats() const {
    const Bytes data = identify(Cns::controller_state_formats);
    const std::size_t versions = load<std::uint8_t>(data, 0);
    const std::size_t uuids = load<std::uint8_t>(data, 1);
    StateFormats formats;
    for (std::size_t i = 0; i < versions; ++i)
        formats.versions.push_back(load<std::uint16_t>(data, 2 + 2 * i));
    for (std::size_t i = 0; i < uuids; ++i)
        std::ranges::copy(slice(data, 2 + 2 * versions + 16 * i, 16),
                          formats.uuids.emplace_back().begin());
    return formats;
}

std::uint8_t StateFormats::index_of(std::uint16_t version) const {
    const auto found = std::ranges::find(versions, version);
    return found == versions.end() ? 0 : static_cast<std::uint8_t>(found - versions.begin() + 1);
}

StatePiece Passthrough::piece(Cntlid cntlid, ByteOffset offset, std::size_t bytes) const {
    const StateFormats formats = state_formats();
    return {.cntlid = cntlid,
            .offset = offset,
            .dwords = dwords_of(bytes),
            .version_index = formats.index_of(0),
            .uuid_index = static_cast<std::uint8_t>(formats.uuids.empty() ? 0 : 1)};
}

bool Passthrough::has_live_migration() const {
    return load<std::uint16_t>(identify(Cns::controller), 256) & 1U << 11;
}

Completion Passthrough::suspend(Cntlid cntlid, SuspendType type) const {
    return submit(nvme::suspend(cntlid, type));
}

Completion Passthrough::resume(Cntlid cntlid) const {
    return submit(nvme::resume(cntlid));
}

Completion Passthrough::get_state(const StatePiece &piece, ByteSpan out) const {
    return submit(get_controller_state(piece), out);
}

Completion Passthrough::set_state(const StatePiece &piece, Sequence sequence, ByteView in) const {
    Bytes copy{in.begin(), in.end()}; // the ioctl takes a mutable pointer
    return submit(set_controller_state(piece, sequence), copy);
}

Bytes Passthrough::read_whole_state(Cntlid cntlid, std::size_t chunk) const {
    Bytes state(ControllerState::header_size);
    StatePiece piece = this->piece(cntlid, ByteOffset{0}, state.size());
    require(get_controller_state(piece), state);
    state.resize(ControllerState::total_size(state));
    for (std::size_t at = 0; at < state.size(); at += chunk) {
        ByteSpan part = ByteSpan{state}.subspan(at, std::min(chunk, state.size() - at));
        piece.offset = ByteOffset{at};
        piece.dwords = dwords_of(part.size());
        require(get_controller_state(piece), part);
    }
    return state;
}

Completion Passthrough::write_whole_state(Cntlid cntlid, ByteView state, std::size_t chunk) const {
    Completion completion;
    StatePiece piece = this->piece(cntlid, ByteOffset{0}, 0);
    for (std::size_t at = 0; at < state.size(); at += chunk) {
        const ByteView part = state.subspan(at, std::min(chunk, state.size() - at));
        const bool first = at == 0;
        const bool last = at + part.size() == state.size();
        const auto sequence = static_cast<Sequence>((first ? 1 : 0) | (last ? 2 : 0));
        piece.offset = ByteOffset{at};
        piece.dwords = dwords_of(part.size());
        completion = set_state(piece, sequence, part);
        if (!completion.status.ok())
            break;
    }
    return completion;
}

} // namespace lm::nvme
