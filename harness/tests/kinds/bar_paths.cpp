// SPDX-License-Identifier: GPL-2.0-only
#include "kinds/bar_paths.hpp"

#include "util/error.hpp"

#include <cerrno>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace lm::test {

namespace {

constexpr std::uint32_t bar = VFIO_PCI_BAR0_REGION_INDEX;

ssize_t or_errno(ssize_t result) {
    return result < 0 ? -errno : result;
}

/// The two halves of a piece of memory.
std::array<iovec, 2> halves(void *memory, std::size_t size) {
    auto *bytes = static_cast<std::byte *>(memory);
    const std::size_t first = size / 2;
    return {{{bytes, first}, {bytes + first, size - first}}};
}

} // namespace

BarPaths::BarPaths(const vfio::Device &device) : device_{&device}, info_{device.region(bar)} {}

ssize_t BarPaths::read(std::uint64_t offset, ByteSpan out) const {
    return or_errno(::pread(device_->fd(), out.data(), out.size(), at(offset)));
}

ssize_t BarPaths::write(std::uint64_t offset, ByteView in) const {
    return or_errno(::pwrite(device_->fd(), in.data(), in.size(), at(offset)));
}

void BarPaths::read_all(std::uint64_t offset, ByteSpan out) const {
    while (!out.empty()) {
        const auto n = static_cast<std::size_t>(
            check(::pread(device_->fd(), out.data(), out.size(), at(offset)), "read of a BAR"));
        if (n == 0)
            throw std::runtime_error{"a read of a BAR gives nothing"};
        out = out.subspan(n);
        offset += n;
    }
}

void BarPaths::write_all(std::uint64_t offset, ByteView in) const {
    while (!in.empty()) {
        const auto n = static_cast<std::size_t>(
            check(::pwrite(device_->fd(), in.data(), in.size(), at(offset)), "write to a BAR"));
        if (n == 0)
            throw std::runtime_error{"a write to a BAR takes nothing"};
        in = in.subspan(n);
        offset += n;
    }
}

ssize_t BarPaths::read_scattered(std::uint64_t offset, ByteSpan out) const {
    const auto parts = halves(out.data(), out.size());
    return or_errno(::preadv(device_->fd(), parts.data(), parts.size(), at(offset)));
}

ssize_t BarPaths::write_gathered(std::uint64_t offset, ByteView in) const {
    const auto parts = halves(const_cast<std::byte *>(in.data()), in.size());
    return or_errno(::pwritev(device_->fd(), parts.data(), parts.size(), at(offset)));
}

int BarPaths::map_error(const Part &part, int protection, int flags) const {
    void *memory = ::mmap(nullptr, part.size, protection, flags, device_->fd(), at(part.offset));
    if (memory == MAP_FAILED)
        return errno;
    ::munmap(memory, part.size);
    return 0;
}

int BarPaths::grow_error(const Part &part, std::uint64_t size) const {
    void *memory = ::mmap(nullptr, part.size, PROT_READ | PROT_WRITE, MAP_SHARED, device_->fd(),
                          at(part.offset));
    if (memory == MAP_FAILED)
        throw_errno("mmap of what may be mapped");
    void *grown = ::mremap(memory, part.size, size, MREMAP_MAYMOVE);
    const int error = grown == MAP_FAILED ? errno : 0;
    ::munmap(error ? memory : grown, error ? part.size : size);
    return error;
}

int BarPaths::remap_error(const Part &part, const Part &other) const {
    const Mapping mapping = map(part);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    // the libc has no name for it any more, the kernel still has the call
    const long result = ::syscall(SYS_remap_file_pages, mapping.data(), part.size, 0,
                                  static_cast<std::size_t>(at(other.offset)) / page, 0);
    return result < 0 ? errno : 0;
}

Mapping BarPaths::map(const Part &part) const {
    return {device_->fd(), part.size, at(part.offset)};
}

Bytes BarPaths::info(std::size_t bytes) const {
    Bytes buffer(std::max(bytes, sizeof(vfio_region_info)));
    vfio_region_info head{};
    head.argsz = static_cast<std::uint32_t>(bytes);
    head.index = bar;
    std::memcpy(buffer.data(), &head, sizeof(head));
    check(::ioctl(device_->fd(), VFIO_DEVICE_GET_REGION_INFO, buffer.data()),
          "VFIO_DEVICE_GET_REGION_INFO");
    return buffer;
}

std::optional<std::vector<Part>> BarPaths::areas() const {
    const Bytes bytes = info(4096);
    std::size_t at = load<std::uint32_t>(bytes, offsetof(vfio_region_info, cap_offset));
    for (; at; at = load<std::uint32_t>(bytes, at + offsetof(vfio_info_cap_header, next))) {
        if (load<std::uint16_t>(bytes, at) != VFIO_REGION_INFO_CAP_SPARSE_MMAP)
            continue;
        using Sparse = vfio_region_info_cap_sparse_mmap;
        std::vector<Part> parts;
        const auto count = load<std::uint32_t>(bytes, at + offsetof(Sparse, nr_areas));
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t area = at + sizeof(Sparse) + i * sizeof(vfio_region_sparse_mmap_area);
            parts.push_back(
                {load<std::uint64_t>(bytes, area), load<std::uint64_t>(bytes, area + 8)});
        }
        return parts;
    }
    return std::nullopt;
}

int BarPaths::ioeventfd_error(std::uint64_t offset, unsigned width, std::uint64_t value,
                              int event) const {
    vfio_device_ioeventfd argument{};
    argument.argsz = sizeof(argument);
    argument.flags = width; // VFIO_DEVICE_IOEVENTFD_8 … _64 are the widths in bytes
    argument.offset = static_cast<std::uint64_t>(at(offset));
    argument.data = value;
    argument.fd = event;
    return ::ioctl(device_->fd(), VFIO_DEVICE_IOEVENTFD, &argument) < 0 ? errno : 0;
}

bool BarPaths::has_dma_buf() const {
    return device_->has_feature(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF);
}

int BarPaths::dma_buf_error(const std::vector<Part> &parts) const {
    using Export = vfio_device_feature_dma_buf;
    const std::size_t ranges = sizeof(vfio_device_feature) + sizeof(Export);
    Bytes buffer(ranges + parts.size() * sizeof(vfio_region_dma_range));
    vfio_device_feature head{};
    head.argsz = static_cast<std::uint32_t>(buffer.size());
    head.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF;
    Export what{};
    what.region_index = bar;
    what.open_flags = O_RDWR | O_CLOEXEC;
    what.nr_ranges = static_cast<std::uint32_t>(parts.size());
    std::memcpy(buffer.data(), &head, sizeof(head));
    std::memcpy(buffer.data() + sizeof(head), &what, sizeof(what));
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const vfio_region_dma_range range{parts[i].offset, parts[i].size};
        std::memcpy(buffer.data() + ranges + i * sizeof(range), &range, sizeof(range));
    }
    const int fd = ::ioctl(device_->fd(), VFIO_DEVICE_FEATURE, buffer.data());
    if (fd < 0)
        return errno;
    ::close(fd);
    return 0;
}

} // namespace lm::test
