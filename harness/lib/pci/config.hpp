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

/// Capability identifiers.
inline constexpr std::uint8_t capability_express = 0x10;
inline constexpr std::uint8_t capability_msix = 0x11;

/// Device Control in the PCI Express capability (PCI Express Base 5.0, 7.5.3.4).
inline constexpr std::uint16_t express_device_control = 0x08;
inline constexpr std::uint16_t initiate_function_level_reset = 1U << 15;

} // namespace lm::pci
