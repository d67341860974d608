// SPDX-License-Identifier: GPL-2.0-only
/// Data of a command, with the page list that describes it to the device.
#pragma once

#include "iommu/dma_buffer.hpp"
#include "nvme/wire.hpp"

#include <optional>

namespace lm::nvme {

/// Page-aligned data of up to 2 MiB.
class DataBuffer {
  public:
    DataBuffer(const std::shared_ptr<iommu::AddressSpace> &space, std::size_t size);

    [[nodiscard]] ByteSpan bytes() const { return data_.bytes(); }
    /// Fill in PRP1 and PRP2 for the first @size bytes.
    void describe(Sqe &sqe, std::size_t size) const;

    /// Fill with words that tell seed and position, so that a block in the wrong
    /// place, or of an earlier write, is seen.
    void fill(std::uint64_t seed, std::size_t size) const;
    /// The byte position of the first difference from fill(), if there is one.
    [[nodiscard]] std::optional<std::size_t> mismatch(std::uint64_t seed, std::size_t size) const;

  private:
    iommu::DmaBuffer data_;
    std::optional<iommu::DmaBuffer> list_;
};

} // namespace lm::nvme
