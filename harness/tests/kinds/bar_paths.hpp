// SPDX-License-Identifier: GPL-2.0-only
/// Every way that a user of a VFIO device has to a BAR, each by its bare system call:
/// what is refused is what is looked at.
#pragma once

#include "vfio/device.hpp"

#include <optional>
#include <vector>

namespace lm::test {

/// A part of a BAR.
struct Part {
    std::uint64_t offset;
    std::uint64_t size;

    [[nodiscard]] std::uint64_t end() const { return offset + size; }
    [[nodiscard]] bool meets(const Part &other) const {
        return offset < other.end() && other.offset < end();
    }
};

/// BAR 0 of a device.
class BarPaths {
  public:
    explicit BarPaths(const vfio::Device &device);

    [[nodiscard]] std::uint64_t size() const { return info_.size; }
    [[nodiscard]] std::uint32_t flags() const { return info_.flags; }

    /// One pread() or pwrite(): bytes, or the negative errno.
    ssize_t read(std::uint64_t offset, ByteSpan out) const;
    ssize_t write(std::uint64_t offset, ByteView in) const;
    /// All of it, with as many calls as it takes; throws when there is no end.
    void read_all(std::uint64_t offset, ByteSpan out) const;
    void write_all(std::uint64_t offset, ByteView in) const;
    /// The same by readv() and writev(), the memory cut in two.
    ssize_t read_scattered(std::uint64_t offset, ByteSpan out) const;
    ssize_t write_gathered(std::uint64_t offset, ByteView in) const;

    /// mmap() of a part: 0 or the errno; what could be mapped is unmapped again.
    [[nodiscard]] int map_error(const Part &part, int protection = PROT_READ | PROT_WRITE,
                                int flags = MAP_SHARED) const;
    /// Map @part and have the mapping grow by mremap() to @size: 0 or the errno.
    [[nodiscard]] int grow_error(const Part &part, std::uint64_t size) const;
    /// Map @part and have the mapping show @other by remap_file_pages().
    [[nodiscard]] int remap_error(const Part &part, const Part &other) const;
    [[nodiscard]] Mapping map(const Part &part) const;

    /// The areas of the capability for sparse mappings; nothing without it.
    [[nodiscard]] std::optional<std::vector<Part>> areas() const;
    /// VFIO_DEVICE_GET_REGION_INFO with room for @bytes.
    [[nodiscard]] Bytes info(std::size_t bytes) const;

    /// Have @event write @value, of @width bytes: 0 or the errno.
    [[nodiscard]] int ioeventfd_error(std::uint64_t offset, unsigned width, std::uint64_t value,
                                      int event) const;

    /// Whether the kernel exports parts of BARs as DMA-bufs.
    [[nodiscard]] bool has_dma_buf() const;
    /// Export these: 0 or the errno.
    [[nodiscard]] int dma_buf_error(const std::vector<Part> &parts) const;

  private:
    [[nodiscard]] off_t at(std::uint64_t offset) const {
        return static_cast<off_t>(info_.offset + offset);
    }

    const vfio::Device *device_;
    vfio_region_info info_;
};

} // namespace lm::test
