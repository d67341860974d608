// SPDX-License-Identifier: GPL-2.0-only
/// As much of io_uring as NVMe passthrough needs: 128-byte entries, 32-byte completions.
#pragma once

#include "util/fd.hpp"
#include "util/mapping.hpp"

#include <cstdint>
#include <linux/io_uring.h>
#include <span>

namespace lm::bench {

/// What a request came back with.
struct UringResult {
    std::uint64_t user_data;
    std::int32_t res;
    std::uint64_t big; ///< first of the two extra words
};

/// One ring; one thread at a time.
class Uring {
  public:
    static constexpr std::size_t command_bytes = 80; ///< of a 128-byte entry

    /// @entries: requests at most under way, a power of two.
    explicit Uring(unsigned entries);

    /// Place an IORING_OP_URING_CMD for @fd; @command is at most command_bytes.
    void queue_command(int fd, std::uint32_t operation, std::span<const std::byte> command,
                       std::uint64_t user_data);
    /// Tell the kernel of what was queued, and wait until a result is there.
    UringResult submit_and_wait();

  private:
    [[nodiscard]] std::uint32_t *word(const Mapping &ring, std::uint32_t offset) const {
        return reinterpret_cast<std::uint32_t *>(ring.data() + offset);
    }

    io_uring_params params_{};
    UniqueFd fd_;
    Mapping sq_ring_;
    Mapping cq_ring_;
    Mapping entries_;
    unsigned queued_ = 0;
};

} // namespace lm::bench
