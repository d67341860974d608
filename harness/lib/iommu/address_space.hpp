// SPDX-License-Identifier: GPL-2.0-only
/// One I/O address space that several devices are attached to.
#pragma once

#include "util/types.hpp"

#include <cstddef>
#include <map>
#include <memory>

namespace lm::iommu {

/// Hands out ranges of I/O addresses; never the same twice at a time.
class IovaAllocator {
  public:
    /// A free range of @size bytes, both start and size multiples of a page.
    Iova allocate(std::size_t size);
    /// Give a range back; @base must come from allocate().
    void release(Iova base);

  private:
    std::map<Iova, std::size_t> used_;
};

/// What devices reach memory through. Devices attached to one address space see
/// the same memory at the same address, as the VFs that a guest moves between.
class AddressSpace {
  public:
    virtual ~AddressSpace() = default;

    /// Make @size bytes at @memory reachable at @iova, for reading and writing.
    virtual void map(Iova iova, void *memory, std::size_t size) = 0;
    /// Undo one map().
    virtual void unmap(Iova iova, std::size_t size) = 0;

    [[nodiscard]] IovaAllocator &allocator() { return allocator_; }

  private:
    IovaAllocator allocator_;
};

} // namespace lm::iommu
