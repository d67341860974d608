// SPDX-License-Identifier: GPL-2.0-only
/// Admin commands of the controlling controller, through the stock driver.
#pragma once

#include "nvme/lm_command.hpp"
#include "nvme/wire.hpp"
#include "util/bytes.hpp"
#include "util/fd.hpp"

#include <array>
#include <chrono>
#include <vector>

namespace lm::nvme {

/// What a command came back with.
struct Completion {
    Status status;
    std::uint64_t result = 0; ///< dwords 0 and 1
};

/// An entry of the Secondary Controller List (CNS 15h).
struct SecondaryController {
    Cntlid cntlid;
    Cntlid primary;
    bool online;
    std::uint16_t vf_number; ///< 1-based; 0: not a VF
    std::uint16_t queues;
    std::uint16_t interrupts;
};

/// What the Primary Controller Capabilities (CNS 14h) allow each secondary.
struct SecondaryLimits {
    std::uint16_t queues;
    std::uint16_t interrupts;
};

/// The Supported Controller State Formats data structure (CNS 20h).
struct StateFormats {
    std::vector<std::uint16_t> versions;
    std::vector<std::array<std::byte, 16>> uuids;

    /// CSVI of a version: its 1-based index, 0 when it is not there.
    [[nodiscard]] std::uint8_t index_of(std::uint16_t version) const;
};

/// The admin queue behind /dev/nvmeN. Safe to use from several threads.
class Passthrough {
  public:
    explicit Passthrough(const std::string &path);

    /// Issue a command whose data, if any, comes from or goes to @data. After
    /// @limit the driver resets the controller; 0: after its usual time.
    Completion submit(const Sqe &sqe, ByteSpan data = {},
                      std::chrono::milliseconds limit = {}) const;
    /// The same, throwing NvmeError unless it succeeds.
    Completion require(const Sqe &sqe, ByteSpan data = {}) const;

    /// A 4 KiB Identify data structure.
    [[nodiscard]] Bytes identify(Cns cns, Nsid nsid = {}, Cntlid cntlid = {}) const;
    [[nodiscard]] std::vector<SecondaryController> secondary_controllers() const;
    [[nodiscard]] SecondaryLimits secondary_limits() const;
    [[nodiscard]] StateFormats state_formats() const;
    /// A piece in version 0 with the device's own vendor-specific data.
    [[nodiscard]] StatePiece piece(Cntlid cntlid, ByteOffset offset, std::size_t bytes) const;
    /// OACS bit 11.
    [[nodiscard]] bool has_live_migration() const;

    Completion suspend(Cntlid cntlid, SuspendType type = SuspendType::suspend) const;
    Completion resume(Cntlid cntlid) const;
    Completion get_state(const StatePiece &piece, ByteSpan out) const;
    Completion set_state(const StatePiece &piece, Sequence sequence, ByteView in) const;

    /// The whole state, in transfers of at most @chunk bytes.
    [[nodiscard]] Bytes read_whole_state(Cntlid cntlid, std::size_t chunk = 64 * 1024) const;
    /// Set a whole state, in transfers of at most @chunk bytes.
    Completion write_whole_state(Cntlid cntlid, ByteView state,
                                 std::size_t chunk = 64 * 1024) const;

  private:
    UniqueFd fd_;
};

/// A command that should have succeeded.
class NvmeError : public std::runtime_error {
  public:
    NvmeError(const Sqe &sqe, Status status);
    [[nodiscard]] Status status() const { return status_; }

  private:
    Status status_;
};

} // namespace lm::nvme
