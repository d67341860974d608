// SPDX-License-Identifier: GPL-2.0-only
/// A stream that needs no device.
#pragma once

#include "migration/stream.hpp"

namespace lm::test {

/// A good stream with @size bytes of state in pieces of @piece.
migration::Stream good_stream(std::size_t size = 600, std::size_t piece = 256);

} // namespace lm::test
