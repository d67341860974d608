// SPDX-License-Identifier: GPL-2.0-only
#include "migration/assembly.hpp"

#include <bit>
#include <fmt/format.h>

namespace lm::migration {

namespace {
void expect(bool condition, const std::string &what) {
    if (!condition)
        throw MalformedStream{what};
}
} // namespace

Assembly::Assembly(const nvme_lm_precopy &precopy) : granule_{precopy.granule} {
    expect(std::has_single_bit(granule_) && granule_ >= NVME_LM_STREAM_MIN_GRANULE &&
               granule_ <= NVME_LM_STREAM_MAX_GRANULE,
           fmt::format("PRECOPY: {} is no granule", granule_));
    expect(precopy.reserved == 0 && all_zero(std::as_bytes(std::span{precopy.reserved2})),
           "PRECOPY: reserved fields are not 0");
    std::ranges::copy(std::as_bytes(std::span{precopy.key}), key_.begin());
}

void Assembly::add(std::uint64_t offset, ByteView bytes) {
    expect(offset % granule_ == 0,
           fmt::format("STATE: offset {} is no multiple of the granule", offset));
    expect(offset <= end(), fmt::format("STATE: offset {} is beyond the end, {}", offset, end()));
    expect(!bytes.empty(), "STATE: no bytes");
    if (offset + bytes.size() > image_.size()) {
        image_.resize(offset + bytes.size());
        came_.resize((image_.size() + granule_ - 1) / granule_);
    }
    std::ranges::copy(bytes, image_.begin() + static_cast<std::ptrdiff_t>(offset));
    for (std::size_t at = 0; at < bytes.size(); at += granule_)
        came_[(offset + at) / granule_] = std::min(granule_, bytes.size() - at);
}

std::uint64_t Assembly::digest(std::uint64_t size) const {
    expect(size && size <= end(), fmt::format("DIGEST: {} bytes of state, {} came", size, end()));
    Bytes hashes((size + granule_ - 1) / granule_ * sizeof(std::uint64_t));
    for (std::size_t i = 0; i * granule_ < size; ++i) {
        const std::size_t wanted = std::min<std::size_t>(granule_, size - i * granule_);
        expect(came_[i] == wanted,
               fmt::format("granule {} has {} bytes, {} came last", i, wanted, came_[i]));
        store<std::uint64_t>(hashes, i * sizeof(std::uint64_t),
                             siphash24(key_, ByteView{image_}.subspan(i * granule_, wanted)));
    }
    return siphash24(key_, hashes);
}

Bytes Assembly::state(std::uint64_t size) const {
    const ByteView bytes = slice(image_, 0, size);
    return {bytes.begin(), bytes.end()};
}

} // namespace lm::migration
