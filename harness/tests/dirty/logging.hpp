// SPDX-License-Identifier: GPL-2.0-only
/// DMA logging of the VFIO uAPI, as a VMM uses it.
#pragma once

#include "dirty/truth.hpp"
#include "vfio/device.hpp"

#include <vector>

namespace lm::test {

/// Memory by its first byte and size.
struct MemoryRange {
    Iova start{};
    std::uint64_t bytes = 0;
};

/// The features DMA_LOGGING_START, STOP and REPORT of an open device.
class Logging {
  public:
    explicit Logging(vfio::Device &device) : device_{&device} {}

    [[nodiscard]] bool offered() const {
        return device_->has_feature(VFIO_DEVICE_FEATURE_SET |
                                    VFIO_DEVICE_FEATURE_DMA_LOGGING_START);
    }

    /// Start; the page size that was granted. Throws std::system_error.
    std::uint64_t start(const std::vector<MemoryRange> &ranges, std::uint64_t page_size = 4096);
    void stop();
    /// What was written since the last report. Throws std::system_error.
    [[nodiscard]] Pages report(const MemoryRange &range, std::uint64_t page_size = 4096);

  private:
    vfio::Device *device_;
};

} // namespace lm::test
