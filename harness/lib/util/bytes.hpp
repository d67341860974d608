// SPDX-License-Identifier: GPL-2.0-only
/// Little-endian fields at byte offsets, with every access bounded.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace lm {

static_assert(std::endian::native == std::endian::little,
              "the harness runs where the device's byte order is the machine's");

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;
using ByteSpan = std::span<std::byte>;

/// The part [offset, offset + size) of @bytes, or std::out_of_range.
inline ByteView slice(ByteView bytes, std::size_t offset, std::size_t size) {
    if (offset > bytes.size() || size > bytes.size() - offset)
        throw std::out_of_range{"field of " + std::to_string(size) + " bytes at " +
                                std::to_string(offset) + " is outside of the " +
                                std::to_string(bytes.size()) + " bytes there are"};
    return bytes.subspan(offset, size);
}

/// Read a little-endian integer.
template <std::unsigned_integral T> T load(ByteView bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, slice(bytes, offset, sizeof(value)).data(), sizeof(value));
    return value;
}

/// Write a little-endian integer.
template <std::unsigned_integral T>
void store(ByteSpan bytes, std::size_t offset, std::type_identity_t<T> value) {
    slice(bytes, offset, sizeof(value));
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

/// Whether every byte is zero.
inline bool all_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

/// Positions at which two byte strings of the same size differ.
inline std::vector<std::size_t> differences(ByteView a, ByteView b) {
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        if (a[i] != b[i])
            positions.push_back(i);
    return positions;
}

/// How two byte strings differ, in words; empty when they are equal.
inline std::string difference(ByteView a, ByteView b) {
    const std::vector<std::size_t> positions = differences(a, b);
    if (a.size() == b.size() && positions.empty())
        return {};
    std::string text = "sizes " + std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                       ", " + std::to_string(positions.size()) + " bytes differ:";
    for (std::size_t i = 0; i < std::min<std::size_t>(positions.size(), 16); ++i)
        text += " " + std::to_string(positions[i]);
    return text;
}

/// The bytes of a trivially copyable object.
template <typename T> ByteView bytes_of(const T &object) {
    return std::as_bytes(std::span{&object, 1});
}

/// Text of a fixed-width field, without the blanks or NULs that pad it.
inline std::string padded_text(ByteView field) {
    std::string text{reinterpret_cast<const char *>(field.data()), field.size()};
    text.erase(std::min(text.find('\0'), text.size()));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

} // namespace lm
