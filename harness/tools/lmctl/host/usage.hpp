// SPDX-License-Identifier: GPL-2.0-only
/// Who has a function open.
#pragma once

#include "pci/address.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lm::ctl {

/// The files by which user space gets at a function: /dev/vfio/N and
/// /dev/vfio/devices/vfioN, as far as the kernel has them.
std::vector<std::string> vfio_paths(const pci::Address &function);

/// "qemu-system-x86 (pid 1234)", if a process has one of them open. Only root sees
/// the processes of all users.
std::optional<std::string> user_of(const pci::Address &function);

} // namespace lm::ctl
