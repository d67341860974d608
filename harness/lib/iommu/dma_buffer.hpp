// SPDX-License-Identifier: GPL-2.0-only
/// Memory that both the harness and the device reach.
#pragma once

#include "iommu/address_space.hpp"
#include "util/bytes.hpp"
#include "util/mapping.hpp"

namespace lm::iommu {

/// Zeroed pages, mapped for the devices of an address space until destroyed.
class DmaBuffer {
  public:
    /// At least @size bytes, rounded up to whole pages.
    DmaBuffer(std::shared_ptr<AddressSpace> space, std::size_t size);
    DmaBuffer(DmaBuffer &&) noexcept = default;
    DmaBuffer &operator=(DmaBuffer &&) = delete;
    DmaBuffer(const DmaBuffer &) = delete;
    DmaBuffer &operator=(const DmaBuffer &) = delete;
    ~DmaBuffer();

    [[nodiscard]] Iova iova() const { return iova_; }
    [[nodiscard]] ByteSpan bytes() const { return memory_.bytes(); }
    [[nodiscard]] std::size_t size() const { return memory_.size(); }

    /// The element at @index of the buffer seen as an array; bounded.
    template <typename T> [[nodiscard]] volatile T &at(std::size_t index) const {
        slice(bytes(), index * sizeof(T), sizeof(T));
        return reinterpret_cast<volatile T *>(memory_.data())[index];
    }

  private:
    std::shared_ptr<AddressSpace> space_;
    Mapping memory_;
    Iova iova_;
};

} // namespace lm::iommu
