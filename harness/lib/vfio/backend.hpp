// SPDX-License-Identifier: GPL-2.0-only
/// The two ways the kernel hands out devices: group and container, or cdev and iommufd.
#pragma once

#include "iommu/address_space.hpp"
#include "vfio/device.hpp"

#include <memory>
#include <string_view>

namespace lm::vfio {

/// Which way to go.
enum class BackendKind {
    automatic, ///< iommufd where the kernel has it, else type1
    type1,     ///< legacy group and container
    iommufd,   ///< character device and iommufd
};

/// Read --iommu=auto|type1|iommufd.
BackendKind parse_backend_kind(std::string_view text);

/// Opens devices and attaches all of them to one address space.
class Backend {
  public:
    virtual ~Backend() = default;

    /// Open a function; one function can be open once at a time.
    virtual std::unique_ptr<Device> open(const pci::Address &function) = 0;
    /// The memory that all devices of this backend see. With type1 nothing can
    /// be mapped before the first device was opened.
    [[nodiscard]] virtual std::shared_ptr<iommu::AddressSpace> address_space() = 0;
    [[nodiscard]] virtual BackendKind kind() const = 0;
};

/// Make a backend; throws when the kernel lacks the kind that was asked for.
std::unique_ptr<Backend> make_backend(BackendKind kind);

/// The two makers behind make_backend().
std::unique_ptr<Backend> make_type1_backend();
std::unique_ptr<Backend> make_iommufd_backend();

} // namespace lm::vfio
