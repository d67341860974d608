// SPDX-License-Identifier: GPL-2.0-only
#include "iommu/address_space.hpp"

#include <stdexcept>

namespace lm::iommu {

namespace {
// Above 4 GiB: clear of the interrupt range at 0xfee00000 and of anything a
// 32-bit truncation would leave right by accident; below the 39 bits that the
// narrowest Intel IOMMU translates.
constexpr Iova first_iova{0x1'0000'0000};
constexpr Iova last_iova{0x40'0000'0000};
constexpr std::size_t page = 4096;
} // namespace

Iova IovaAllocator::allocate(std::size_t size) {
    if (size == 0 || size % page != 0)
        throw std::invalid_argument{"an I/O address range is a multiple of 4 KiB, and not empty"};
    Iova candidate = first_iova;
    for (const auto &[base, used] : used_) {
        if (base.value - candidate.value >= size)
            break;
        candidate = base + used;
    }
    if (last_iova.value - candidate.value < size)
        throw std::length_error{"no I/O address range is left: something leaks DMA buffers"};
    used_.emplace(candidate, size);
    return candidate;
}

void IovaAllocator::release(Iova base) {
    if (used_.erase(base) != 1)
        throw std::logic_error{"an I/O address range was released that is not in use"};
}

} // namespace lm::iommu
