// SPDX-License-Identifier: GPL-2.0-only
#include "dirty/logging.hpp"

namespace lm::test {

namespace {
template <typename T> ByteSpan writable(T &object) {
    return std::as_writable_bytes(std::span{&object, 1});
}
} // namespace

std::uint64_t Logging::start(const std::vector<MemoryRange> &ranges, std::uint64_t page_size) {
    std::vector<vfio_device_feature_dma_logging_range> list;
    for (const MemoryRange &range : ranges)
        list.push_back({.iova = range.start.value, .length = range.bytes});
    vfio_device_feature_dma_logging_control control{};
    control.page_size = page_size;
    control.num_ranges = static_cast<std::uint32_t>(list.size());
    control.ranges = reinterpret_cast<std::uintptr_t>(list.data());
    device_->feature(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
                     writable(control));
    return control.page_size;
}

void Logging::stop() {
    device_->feature(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, {});
}

Pages Logging::report(const MemoryRange &range, std::uint64_t page_size) {
    const std::uint64_t pages = (range.bytes + page_size - 1) / page_size;
    std::vector<std::uint64_t> bitmap((pages + 63) / 64);
    vfio_device_feature_dma_logging_report request{};
    request.iova = range.start.value;
    request.length = range.bytes;
    request.page_size = page_size;
    request.bitmap = reinterpret_cast<std::uintptr_t>(bitmap.data());
    device_->feature(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
                     writable(request));

    Pages dirty{page_size};
    for (std::size_t word = 0; word < bitmap.size(); ++word)
        for (std::uint64_t bits = bitmap[word]; bits; bits &= bits - 1)
            dirty.add(range.start + (word * 64 + std::countr_zero(bits)) * page_size, page_size);
    return dirty;
}

} // namespace lm::test
