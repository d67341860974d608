// SPDX-License-Identifier: GPL-2.0-only
/// A PCI function in the hands of user space.
#pragma once

#include "pci/address.hpp"
#include "pci/config.hpp"
#include "util/bytes.hpp"
#include "util/fd.hpp"
#include "util/mapping.hpp"
#include "util/types.hpp"

#include <chrono>
#include <linux/vfio.h>
#include <memory>
#include <vector>

namespace lm::vfio {

/// One memory BAR mapped into the harness.
class Bar {
  public:
    explicit Bar(Mapping mapping) : mapping_{std::move(mapping)} {}

    /// Registers are read and written whole, in their own width.
    template <std::unsigned_integral T> [[nodiscard]] T read(std::size_t offset) const {
        return *pointer<T>(offset);
    }
    template <std::unsigned_integral T> void write(std::size_t offset, T value) {
        *pointer<T>(offset) = value;
    }
    [[nodiscard]] std::size_t size() const { return mapping_.size(); }
    /// Its memory, to hand to a system call.
    [[nodiscard]] ByteSpan bytes() { return mapping_.bytes(); }

  private:
    template <typename T> [[nodiscard]] volatile T *pointer(std::size_t offset) const {
        slice(mapping_.bytes(), offset, sizeof(T));
        return reinterpret_cast<volatile T *>(mapping_.data() + offset);
    }

    Mapping mapping_;
};

/// The interrupts of a function: one eventfd for each vector.
class Interrupts {
  public:
    explicit Interrupts(unsigned count);

    [[nodiscard]] unsigned count() const { return static_cast<unsigned>(events_.size()); }
    [[nodiscard]] int fd(Vector vector) const { return events_.at(vector.value).get(); }
    /// How often the vector fired since the last call.
    std::uint64_t take(Vector vector);
    /// Wait until the vector fires; false when @limit passes first.
    bool wait(Vector vector, std::chrono::milliseconds limit);

  private:
    std::vector<UniqueFd> events_;
};

/// An open VFIO device. Opening it resets the function.
class Device {
  public:
    /// @keeper lives as long as the device: the group, container or iommufd.
    Device(pci::Address address, UniqueFd fd, std::shared_ptr<void> keeper);

    [[nodiscard]] const pci::Address &address() const { return address_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const vfio_device_info &info() const { return info_; }

    /// What the kernel says of a region.
    [[nodiscard]] vfio_region_info region(std::uint32_t index) const;
    /// Map the first @size bytes of a BAR.
    [[nodiscard]] Bar map_bar(std::uint32_t index, std::size_t size) const;

    template <std::unsigned_integral T>
    [[nodiscard]] T config_read(pci::ConfigOffset offset) const {
        T value;
        region_read(VFIO_PCI_CONFIG_REGION_INDEX, static_cast<std::uint64_t>(offset),
                    std::as_writable_bytes(std::span{&value, 1}));
        return value;
    }
    template <std::unsigned_integral T> void config_write(pci::ConfigOffset offset, T value) {
        region_write(VFIO_PCI_CONFIG_REGION_INDEX, static_cast<std::uint64_t>(offset),
                     bytes_of(value));
    }
    void region_read(std::uint32_t index, std::uint64_t offset, ByteSpan out) const;
    void region_write(std::uint32_t index, std::uint64_t offset, ByteView in) const;

    /// Let the function be reached and reach memory.
    void enable_bus_master();
    /// Reset by VFIO_DEVICE_RESET, which is a function level reset here.
    void reset();
    /// Reset as a guest does it: Initiate Function Level Reset in Device Control.
    void function_level_reset();

    /// How many MSI-X vectors the function has.
    [[nodiscard]] unsigned msix_vectors() const;
    /// Route the first vectors to eventfds, as many as @interrupts has.
    void enable_msix(const Interrupts &interrupts);
    void disable_msix();

    /// VFIO_DEVICE_FEATURE; @argument follows the header, and is updated by a GET.
    void feature(std::uint32_t flags, ByteSpan argument) const;
    /// Whether the kernel takes this feature and direction.
    [[nodiscard]] bool has_feature(std::uint32_t flags) const;

  private:
    /// Where a capability of the standard list is; throws when there is none.
    [[nodiscard]] std::uint16_t capability(std::uint8_t id) const;
    [[nodiscard]] vfio_irq_info irq_info(std::uint32_t index) const;

    pci::Address address_;
    std::shared_ptr<void> keeper_;
    UniqueFd fd_;
    vfio_device_info info_{};
};

} // namespace lm::vfio
