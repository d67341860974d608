// SPDX-License-Identifier: GPL-2.0-only
/// What `doctor` looks at, and what it found.
#pragma once

#include "host/function.hpp"
#include "host/kernel_config.hpp"

#include <string>
#include <vector>

namespace lm::ctl {

enum class Grade {
    ok,
    note,    ///< works, with a price
    missing, ///< nothing can be migrated before it is there
};

struct Finding {
    std::string key;
    std::string subject;
    Grade grade;
    std::string found;
    std::string remedy; ///< empty when nothing is to be done
};
using Findings = std::vector<Finding>;

/// Kernel release, options, IOMMU, modules.
void examine_host(const KernelConfig &config, Findings &findings);
/// Every controller that could control others.
void examine_controllers(Findings &findings);
/// QEMU and libvirt.
void examine_vmms(Findings &findings);

/// "10.0.13" as {10, 0}; {0, 0} when there is no number.
std::pair<unsigned, unsigned> version_in(const std::string &text);

} // namespace lm::ctl
