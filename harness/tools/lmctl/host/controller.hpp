// SPDX-License-Identifier: GPL-2.0-only
/// NVMe controllers that the stock driver has, and what they say of themselves.
#pragma once

#include "nvme/passthrough.hpp"
#include "pci/address.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lm::ctl {

/// A controller as sysfs knows it; nothing is asked of the device.
struct Controller {
    std::string name; ///< "nvme0"
    pci::Address address;
    std::string state; ///< "live"
    std::string cntlid, serial, model, firmware, subsystem;
    bool is_vf;
    unsigned vfs;       ///< that are there
    unsigned total_vfs; ///< that there can be; 0 without SR-IOV

    [[nodiscard]] std::string device() const { return "/dev/" + name; }
};

/// All PCI controllers, by name.
std::vector<Controller> find_controllers();

/// The controller that @text names: nvme0, /dev/nvme0, 0000:01:00.0 or 01:00.0.
Controller find_controller(const std::string &text);

/// What Identify Controller (CNS 01h) says, as far as it is of use here.
struct ControllerData {
    std::uint16_t cntlid;
    std::uint16_t oacs;
    std::uint8_t mdts;
    std::uint32_t namespaces; ///< NN
    std::uint16_t most_tracked_ranges;
    std::uint8_t min_granularity; ///< as a power of two of 4 KiB
    std::uint8_t max_granularity;
    std::uint8_t track_attributes;
    Bytes raw; ///< the whole structure

    [[nodiscard]] bool has_live_migration() const { return (oacs & 1U << 11) != 0; }
    [[nodiscard]] bool has_virtualization() const { return (oacs & 1U << 7) != 0; }
    [[nodiscard]] bool has_namespace_management() const { return (oacs & 1U << 3) != 0; }
    [[nodiscard]] bool tracks_memory() const { return (track_attributes & 1) != 0; }
};
ControllerData read_controller(const nvme::Passthrough &admin);

/// Primary Controller Capabilities (CNS 14h) of one kind of resource.
struct Resources {
    bool managed;             ///< there are flexible ones of this kind
    std::uint32_t flexible;   ///< in all (VQFRT, VIFRT)
    std::uint32_t assigned;   ///< to secondary controllers (VQRFA, VIRFA)
    std::uint16_t for_itself; ///< flexible ones of the primary controller
    std::uint16_t most_each;  ///< that one secondary controller may have
    std::uint16_t step;       ///< preferred granularity

    [[nodiscard]] std::uint32_t left() const {
        const std::uint32_t taken = assigned + for_itself;
        return flexible > taken ? flexible - taken : 0;
    }
};
struct PrimaryCapabilities {
    Resources queues, interrupts;
};
PrimaryCapabilities read_primary(const nvme::Passthrough &admin);

/// Open a controller for admin commands; says what to do when that fails.
nvme::Passthrough open_controller(const Controller &controller);

} // namespace lm::ctl
