// SPDX-License-Identifier: GPL-2.0-only
/// The driver's codec, built into user space unchanged.
#pragma once

#include "migration/stream.hpp"

#include <map>

namespace lm::test {

/// What the driver's decoder makes of a stream that is given to it at most
/// @chunk bytes at a time.
struct Decoded {
    int error = 0;                          ///< 0 or a positive errno
    bool ended = false;                     ///< END was seen
    std::map<std::uint16_t, unsigned> seen; ///< how many records of each type
    Bytes state;                            ///< the state, put together
    unsigned skipped = 0;
    std::string complaint;
};

Decoded decode(ByteView stream, std::size_t chunk = SIZE_MAX, std::uint64_t max_state = UINT64_MAX);

/// A stream of the driver's encoder with the same content.
Bytes encode(const migration::Stream &stream, std::size_t piece);

} // namespace lm::test
