// SPDX-License-Identifier: GPL-2.0-only
/// Strong types for the numbers that must not be mixed up.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>

namespace lm {

/// An integer with a meaning: two of different meaning never convert.
template <typename Tag, std::unsigned_integral Rep> struct Strong {
    Rep value{};

    constexpr Strong() = default;
    explicit constexpr Strong(Rep v) : value{v} {}
    friend constexpr auto operator<=>(Strong, Strong) = default;
};

/// An address as the device sees it, translated by the IOMMU.
using Iova = Strong<struct IovaTag, std::uint64_t>;
/// A position in a controller state or in a file, in bytes.
using ByteOffset = Strong<struct ByteOffsetTag, std::uint64_t>;
/// A logical block address.
using Lba = Strong<struct LbaTag, std::uint64_t>;
/// A controller identifier within its NVM subsystem.
using Cntlid = Strong<struct CntlidTag, std::uint16_t>;
/// A namespace identifier.
using Nsid = Strong<struct NsidTag, std::uint32_t>;
/// A submission or completion queue identifier; 0 is the admin queue.
using QueueId = Strong<struct QueueIdTag, std::uint16_t>;
/// A command identifier.
using Cid = Strong<struct CidTag, std::uint16_t>;
/// An interrupt vector of a function.
using Vector = Strong<struct VectorTag, std::uint16_t>;

constexpr Iova operator+(Iova base, std::uint64_t bytes) {
    return Iova{base.value + bytes};
}

constexpr ByteOffset operator+(ByteOffset base, std::uint64_t bytes) {
    return ByteOffset{base.value + bytes};
}

constexpr Lba operator+(Lba base, std::uint64_t blocks) {
    return Lba{base.value + blocks};
}

} // namespace lm
