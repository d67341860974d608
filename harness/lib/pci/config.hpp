// SPDX-License-Identifier: GPL-2.0-only
/// Names of the PCI configuration space that the harness touches.
#pragma once

#include <cstdint>

namespace lm::pci {

/// Offsets of the type 0 header (PCI Local Bus 3.0, 6.1).
enum class ConfigOffset : std::uint16_t {
    vendor_id = 0x00,
    device_id = 0x02,
    command = 0x04,
    status = 0x06,
    revision = 0x08,
    capabilities = 0x34,
};

/// Bits of the Command register.
inline constexpr std::uint16_t command_memory = 1U << 1;
inline constexpr std::uint16_t command_bus_master = 1U << 2;

/// Capability identifier of MSI-X.
inline constexpr std::uint8_t capability_msix = 0x11;

} // namespace lm::pci
