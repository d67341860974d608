// SPDX-License-Identifier: GPL-2.0-only
/// What can be done with a function, and why not.
#pragma once

#include "host/function.hpp"

namespace lm::ctl {

/// The driver of this project.
inline constexpr char variant_driver[] = "nvme-vfio-pci";

/// One line of the capability matrix.
struct Capability {
    std::string key;   ///< for JSON
    std::string title; ///< for people
    bool has;
    bool needed;     ///< without it the function cannot be migrated at all
    std::string why; ///< it is missing, and what to do; or a remark
};

/// How the functions of a controller are migrated, in the kernel's word where it has one:
/// "standard", "ipu", "control_page"; empty where they are not.
std::string command_set_of(const Domain &domain);

/// All of them, the needed ones first.
std::vector<Capability> capabilities_of(const Domain &domain, const Function &function);

/// Whether all that are needed are there.
bool is_migratable(const std::vector<Capability> &capabilities);

/// One word: absent, offline, online, ready, in use, suspended.
std::string state_of(const Domain &domain, const Function &function, bool in_use);

} // namespace lm::ctl
