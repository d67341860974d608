// SPDX-License-Identifier: GPL-2.0-only
/// Kernel modules that a test run needs.
#pragma once

#include <string>

namespace lm::rig {

/// The variant driver of this project.
inline constexpr char variant_driver[] = "nvme-vfio-pci";

/// Load the VFIO driver of this name; ours, and what it stands on, come from
/// @folder. What is loaded already stays.
void load_modules(const std::string &driver, const std::string &folder);

} // namespace lm::rig
