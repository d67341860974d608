// SPDX-License-Identifier: GPL-2.0-only
/// Memory mappings that are unmapped by their owner.
#pragma once

#include "util/error.hpp"

#include <cstddef>
#include <span>
#include <sys/mman.h>
#include <utility>

namespace lm {

/// Owns one mmap().
class Mapping {
  public:
    Mapping() = default;
    /// Zeroed private memory of this process.
    explicit Mapping(std::size_t size)
        : Mapping{::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
                  size} {}
    /// A shared view of @size bytes of @fd from @offset.
    Mapping(int fd, std::size_t size, off_t offset)
        : Mapping{::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset), size} {}

    Mapping(Mapping &&other) noexcept
        : address_{std::exchange(other.address_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
    Mapping &operator=(Mapping &&other) noexcept {
        std::swap(address_, other.address_);
        std::swap(size_, other.size_);
        return *this;
    }
    Mapping(const Mapping &) = delete;
    Mapping &operator=(const Mapping &) = delete;
    ~Mapping() {
        if (address_)
            ::munmap(address_, size_);
    }

    [[nodiscard]] std::byte *data() const noexcept { return static_cast<std::byte *>(address_); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data(), size_}; }

  private:
    Mapping(void *address, std::size_t size) : address_{address}, size_{size} {
        if (address == MAP_FAILED) {
            address_ = nullptr;
            throw_errno("mmap");
        }
    }

    void *address_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace lm
