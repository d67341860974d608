// SPDX-License-Identifier: GPL-2.0-only
/// CRC32C (Castagnoli), written from its polynomial so that the harness does not
/// check the driver with the driver's own code.
#pragma once

#include "util/bytes.hpp"

#include <array>

namespace lm {

namespace detail {
constexpr std::array<std::uint32_t, 256> make_crc32c_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78U : 0U);
        table[byte] = crc;
    }
    return table;
}
inline constexpr auto crc32c_table = make_crc32c_table();
} // namespace detail

/// CRC32C with all ones before and after, as in iSCSI; @crc continues an earlier part.
inline std::uint32_t crc32c(ByteView bytes, std::uint32_t crc = 0) {
    crc = ~crc;
    for (std::byte b : bytes)
        crc = (crc >> 8) ^ detail::crc32c_table[(crc ^ std::to_integer<std::uint32_t>(b)) & 0xff];
    return ~crc;
}

} // namespace lm
