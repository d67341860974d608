// SPDX-License-Identifier: GPL-2.0-only
#include "iommu/dma_buffer.hpp"

namespace lm::iommu {

namespace {
constexpr std::size_t round_to_pages(std::size_t size) {
    return (size + 4095) & ~std::size_t{4095};
}
} // namespace

DmaBuffer::DmaBuffer(std::shared_ptr<AddressSpace> space, std::size_t size)
    : space_{std::move(space)}, memory_{round_to_pages(size)},
      iova_{space_->allocator().allocate(memory_.size())} {
    try {
        space_->map(iova_, memory_.data(), memory_.size());
    } catch (...) {
        space_->allocator().release(iova_);
        throw;
    }
}

DmaBuffer::~DmaBuffer() {
    if (!space_)
        return;
    space_->unmap(iova_, memory_.size());
    space_->allocator().release(iova_);
}

} // namespace lm::iommu
