// SPDX-License-Identifier: GPL-2.0-only
/// The state as its pieces come in: whether they fit together, the first bytes of
/// it, and the digest of a state that comes in passes. Never the whole state.
#pragma once

#include "stream/inspection.hpp"
#include "util/siphash.hpp"

namespace lm::ctl {

/// Most bytes that the header, NVMECS and all queues of it can have.
inline constexpr std::size_t most_state_head =
    nvme::ControllerState::header_size + nvme::ControllerState::nvmecs_header_size +
    nvme::ControllerState::queue_size * std::size_t{2 * 65535};

/// Most granules that are kept in mind: 48 MiB of memory, 16 GiB of state in
/// granules of 4 KiB.
inline constexpr std::size_t most_granules = std::size_t{4} << 20;

/// Puts the pieces of one stream together.
class Assembly {
  public:
    explicit Assembly(Inspection &out) : out_{&out} {}

    /// The state comes in passes. A granule that makes no sense is no granule.
    void begin_passes(const nvme_lm_precopy &precopy);
    /// A piece that begins at byte @at of the stream.
    void add(std::uint64_t at, std::uint64_t offset, ByteView bytes);
    /// Compare with DIGEST.
    void check_digest(std::uint64_t at, const nvme_lm_digest &digest);
    /// The first bytes of the state, at most most_state_head.
    [[nodiscard]] ByteView head() const { return head_; }

  private:
    void check_place(std::uint64_t at, std::uint64_t offset, std::uint64_t size);
    void count(std::uint64_t offset, std::uint64_t size);
    void keep_head(std::uint64_t offset, ByteView bytes);
    void hash_granules(std::uint64_t offset, ByteView bytes);
    [[nodiscard]] std::string wrong_length(std::uint64_t size) const;
    [[nodiscard]] SipKey key() const;

    Inspection *out_;
    Bytes head_;
    std::uint64_t next_ = 0; ///< where the piece before ended
    std::optional<nvme_lm_precopy> precopy_;
    bool hashes_whole_ = true; ///< no granule was left out
    std::vector<std::uint64_t> hashes_;
    std::vector<std::uint32_t> lengths_; ///< of each granule, how many bytes came last
};

} // namespace lm::ctl
