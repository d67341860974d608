// SPDX-License-Identifier: GPL-2.0-only
/// The limit to measure against: the same commands, on the same admin queue, without a driver
/// of ours between: io_uring passthrough of the PF.
#pragma once

#include "nvme/passthrough.hpp"
#include "uring.hpp"
#include "util/mapping.hpp"

#include <deque>

namespace lm::bench {

/// Moves whole controller states of the PF's functions, several commands at a time. The data
/// goes between the device and memory of this process without a copy.
class RawAdmin {
  public:
    /// @piece: bytes of each command but the last; @depth: commands under way.
    RawAdmin(const std::string &device, std::size_t piece, unsigned depth);

    /// Read @size bytes of state into nowhere; seconds it took. The state has to be readable.
    double read_state(const nvme::Passthrough &pf, Cntlid cntlid, std::uint64_t size);
    /// Write a state that is in memory, and have the device take it; seconds it took. The
    /// function has to be suspended and disabled.
    double write_state(const nvme::Passthrough &pf, Cntlid cntlid, ByteView state);
    /// One command with data to or from @data; its latency in seconds.
    double single(const nvme::Sqe &sqe, ByteSpan data);

  private:
    void queue(const nvme::Sqe &sqe, ByteSpan data, std::uint64_t tag);
    UringResult wait();

    UniqueFd fd_;
    std::size_t piece_;
    unsigned depth_;
    Uring ring_;
    Mapping memory_;
};

} // namespace lm::bench
