// SPDX-License-Identifier: GPL-2.0-only
/// SipHash-2-4 with a result of 64 bits, written from its authors' paper
/// ("SipHash: a fast short-input PRF", Aumasson and Bernstein, 2012), so that the
/// harness does not check the driver with the kernel's own.
#pragma once

#include "util/bytes.hpp"

#include <array>

namespace lm {

/// 128 bits of key as they travel.
using SipKey = std::array<std::byte, 16>;

/// The hash of @bytes under @key.
std::uint64_t siphash24(const SipKey &key, ByteView bytes);

} // namespace lm
