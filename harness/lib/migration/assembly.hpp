// SPDX-License-Identifier: GPL-2.0-only
/// A state that comes in passes: what is put together of it, and its digest.
#pragma once

#include "util/siphash.hpp"

#include <linux/nvme-lm.h>
#include <stdexcept>
#include <vector>

namespace lm::migration {

/// A stream that does not follow the format; says where and why.
class MalformedStream : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The pieces of a stream with a PRECOPY record, by the rules of the uapi header.
class Assembly {
  public:
    /// Throws MalformedStream where the record breaks a rule of its own.
    explicit Assembly(const nvme_lm_precopy &precopy);

    /// The next piece; throws MalformedStream where it must not be.
    void add(std::uint64_t offset, ByteView bytes);

    /// The end of all that came.
    [[nodiscard]] std::uint64_t end() const { return image_.size(); }
    /// DIGEST of a state of @size bytes; throws MalformedStream where that cannot
    /// be what came last.
    [[nodiscard]] std::uint64_t digest(std::uint64_t size) const;
    /// The first @size bytes.
    [[nodiscard]] Bytes state(std::uint64_t size) const;

  private:
    std::size_t granule_;
    SipKey key_{};
    Bytes image_;
    std::vector<std::size_t> came_; ///< of each granule, how many bytes came last
};

} // namespace lm::migration
