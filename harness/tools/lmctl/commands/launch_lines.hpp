// SPDX-License-Identifier: GPL-2.0-only
/// What has to be given to QEMU and libvirt for a function.
#pragma once

#include "host/capability.hpp"

#include <string>

namespace lm::ctl {

/// Arguments of QEMU.
std::string qemu_arguments(const Domain &domain, const Function &function);

/// The <hostdev> of libvirt, in one line.
std::string libvirt_element(const Function &function, const std::string &driver);

} // namespace lm::ctl
