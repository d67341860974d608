// SPDX-License-Identifier: GPL-2.0-only
#include "stream/assembly.hpp"

#include <bit>
#include <fmt/format.h>

namespace lm::ctl {

void Assembly::begin_passes(const nvme_lm_precopy &precopy) {
    if (std::has_single_bit(precopy.granule) && precopy.granule >= NVME_LM_STREAM_MIN_GRANULE &&
        precopy.granule <= NVME_LM_STREAM_MAX_GRANULE)
        precopy_ = precopy;
}

void Assembly::add(std::uint64_t at, std::uint64_t offset, ByteView bytes) {
    if (bytes.size() > UINT64_MAX - offset) {
        out_->fail(Check::continuity, at, fmt::format("a piece begins at {:#x}", offset));
        return;
    }
    check_place(at, offset, bytes.size());
    count(offset, bytes.size());
    keep_head(offset, bytes);
    if (precopy_)
        hash_granules(offset, bytes);
    next_ = offset + bytes.size();
}

void Assembly::check_place(std::uint64_t at, std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t end = out_->transfer.size;
    if (!precopy_) {
        if (offset != next_)
            out_->fail(Check::continuity, at,
                       fmt::format("expected the piece at {}, found the one at {}", next_, offset));
    } else if (offset % precopy_->granule != 0 || offset > end) {
        out_->fail(Check::continuity, at,
                   fmt::format("expected a piece at a multiple of {} up to {}, found one at {}",
                               precopy_->granule, end, offset));
    } else if (size == 0) {
        out_->fail(Check::continuity, at, "a piece has no bytes");
    }
}

void Assembly::count(std::uint64_t offset, std::uint64_t size) {
    StateTransfer &t = out_->transfer;
    ++t.pieces;
    t.bytes += size;
    t.largest_piece = std::max(t.largest_piece, size);
    if (t.later_passes == 0 ? offset < t.size : offset < next_)
        ++t.later_passes;
    if (t.later_passes == 0)
        t.first_pass += size;
    t.size = std::max(t.size, offset + size);
}

void Assembly::keep_head(std::uint64_t offset, ByteView bytes) {
    // What does not join on to the head is reported above, and leaves no hole here.
    if (offset > head_.size() || offset >= most_state_head)
        return;
    const std::size_t n = std::min<std::size_t>(bytes.size(), most_state_head - offset);
    if (head_.size() < offset + n)
        head_.resize(offset + n);
    std::ranges::copy(bytes.first(n), head_.begin() + static_cast<std::ptrdiff_t>(offset));
}

void Assembly::hash_granules(std::uint64_t offset, ByteView bytes) {
    const std::size_t granule = precopy_->granule;
    for (std::uint64_t i = offset / granule; !bytes.empty(); ++i) {
        const ByteView part = bytes.first(std::min(granule, bytes.size()));
        bytes = bytes.subspan(part.size());
        // What does not join on to the rest is reported as such.
        if (i >= most_granules || i > hashes_.size()) {
            hashes_whole_ = false;
            return;
        }
        if (i == hashes_.size()) {
            hashes_.push_back(0);
            lengths_.push_back(0);
        }
        hashes_[i] = siphash24(key(), part);
        lengths_[i] = static_cast<std::uint32_t>(part.size());
    }
}

SipKey Assembly::key() const {
    SipKey key{};
    std::ranges::copy(std::as_bytes(std::span{precopy_->key}), key.begin());
    return key;
}

/// The first granule of a state of @size bytes that has other than its bytes, in words.
std::string Assembly::wrong_length(std::uint64_t size) const {
    const std::uint64_t granule = precopy_->granule;
    for (std::uint64_t i = 0; i * granule < size; ++i)
        if (const std::uint64_t wanted = std::min(granule, size - i * granule);
            lengths_[i] != wanted)
            return fmt::format("granule {} has {} bytes, and {} came last", i, wanted, lengths_[i]);
    return {};
}

void Assembly::check_digest(std::uint64_t at, const nvme_lm_digest &digest) {
    if (!precopy_)
        return;
    if (digest.state_size > out_->transfer.size) {
        out_->fail(Check::digest, at,
                   fmt::format("DIGEST is of {} bytes of state, and only {} came",
                               digest.state_size, out_->transfer.size));
        return;
    }
    const std::uint64_t granules = digest.state_size / precopy_->granule +
                                   (digest.state_size % precopy_->granule != 0 ? 1 : 0);
    if (!hashes_whole_ || granules > hashes_.size()) {
        Outcome &outcome = out_->outcome(Check::digest);
        outcome.verdict = Verdict::not_applicable;
        outcome.detail = fmt::format("not looked at: more than {} granules", most_granules);
        return;
    }
    if (std::string wrong = wrong_length(digest.state_size); !wrong.empty()) {
        out_->fail(Check::digest, at, std::move(wrong));
        return;
    }
    const ByteView hashes = std::as_bytes(std::span{hashes_}.first(granules));
    if (const std::uint64_t found = siphash24(key(), hashes); found != digest.digest)
        out_->fail(Check::digest, at,
                   fmt::format("expected {:016x}, and the state that came has {:016x}",
                               digest.digest, found));
}

} // namespace lm::ctl
