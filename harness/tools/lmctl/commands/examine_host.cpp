// SPDX-License-Identifier: GPL-2.0-only
#include "commands/findings.hpp"
#include "util/sysfs.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <unistd.h>

namespace lm::ctl {

namespace fs = std::filesystem;

namespace {

void add(Findings &findings, std::string key, std::string subject, Grade grade, std::string found,
         std::string remedy = {}) {
    findings.push_back(
        {std::move(key), std::move(subject), grade, std::move(found), std::move(remedy)});
}

bool is_loaded(const std::string &module) {
    std::error_code error;
    return fs::exists("/sys/module/" + module, error);
}

/// Whether depmod has seen it for the running kernel.
bool is_installed(const std::string &module) {
    std::ifstream list{"/lib/modules/" + kernel_release() + "/modules.dep"};
    const std::string name = "/" + module + ".ko";
    for (std::string line; std::getline(list, line);)
        if (line.substr(0, line.find(':')).find(name) != std::string::npos)
            return true;
    return false;
}

void examine_release(Findings &findings) {
    const std::string release = kernel_release();
    const auto [major, minor] = version_in(release);
    if (std::pair{major, minor} < std::pair{6U, 12U})
        add(findings, "kernel", "kernel", Grade::missing, release,
            "expected 6.12 or later: install a newer kernel");
    else
        add(findings, "kernel", "kernel", Grade::ok, release);
}

void examine_options(const KernelConfig &config, Findings &findings) {
    if (config.source().empty())
        return add(
            findings, "options", "kernel options", Grade::note,
            "not known: there is neither /boot/config-* nor /proc/config.gz",
            "make sure of CONFIG_VFIO_PCI, CONFIG_NVME_CORE, CONFIG_PCI_IOV, CONFIG_TRACING");
    std::string lacking;
    for (const char *name : {"VFIO", "VFIO_PCI_CORE", "NVME_CORE", "PCI_IOV", "TRACING"})
        if (!config.has(name))
            lacking += fmt::format("{}CONFIG_{}", lacking.empty() ? "" : ", ", name);
    if (lacking.empty())
        add(findings, "options", "kernel options", Grade::ok, "all that are needed");
    else
        add(findings, "options", "kernel options", Grade::missing, "without " + lacking,
            "use a kernel that has them; those of the distributions do");
    std::string tracking;
    for (const char *name : {"IOMMUFD", "VFIO_DEVICE_CDEV", "IOMMUFD_DRIVER"})
        if (!config.has(name) &&
            !(name == std::string_view{"IOMMUFD_DRIVER"} && config.has("IOMMUFD_DRIVER_CORE")))
            tracking += fmt::format("{}CONFIG_{}", tracking.empty() ? "" : ", ", name);
    if (tracking.empty())
        add(findings, "dirty_tracking", "dirty tracking", Grade::ok,
            "iommufd and its drivers are there");
    else
        add(findings, "dirty_tracking", "dirty tracking", Grade::note, "without " + tracking,
            "QEMU needs enable-migration=on, and sends all memory while the guest is stopped; a "
            "kernel with these options does not have that price");
}

void examine_iommu(Findings &findings) {
    std::error_code error;
    const fs::path groups = "/sys/kernel/iommu_groups";
    const bool any = fs::exists(groups, error) && !fs::is_empty(groups, error);
    if (any)
        return add(findings, "iommu", "IOMMU", Grade::ok,
                   fmt::format("on, {} groups", std::distance(fs::directory_iterator{groups},
                                                              fs::directory_iterator{})));
    add(findings, "iommu", "IOMMU", Grade::missing, "off: there are no IOMMU groups",
        "boot with intel_iommu=on (AMD: on by default), and turn VT-d or AMD-Vi on in the firmware "
        "setup");
}

void examine_modules(Findings &findings) {
    if (is_loaded("nvme_core"))
        add(findings, "nvme", "stock nvme driver", Grade::ok, "loaded");
    else
        add(findings, "nvme", "stock nvme driver", Grade::missing, "not loaded", "modprobe nvme");
    for (const auto &[module, name] :
         {std::pair{"nvme_lm", "nvme-lm"}, std::pair{"nvme_vfio_pci", "nvme-vfio-pci"}}) {
        if (is_loaded(module))
            add(findings, module, name, Grade::ok, "loaded");
        else if (is_installed(name))
            add(findings, module, name, Grade::missing, "installed, not loaded",
                "modprobe nvme-vfio-pci (it loads nvme-lm as well); for every start: "
                "echo nvme-vfio-pci > /etc/modules-load.d/nvme-lm.conf");
        else
            add(findings, module, name, Grade::missing, "not installed for this kernel",
                "make && make modules_install, or DKMS; see the administrator's guide");
    }
}

void examine_lockdown(Findings &findings) {
    std::ifstream file{"/sys/kernel/security/lockdown"};
    std::string text;
    if (!std::getline(file, text) || text.find("[none]") != std::string::npos)
        return;
    add(findings, "lockdown", "lockdown", is_loaded("nvme_lm") ? Grade::ok : Grade::note, text,
        is_loaded("nvme_lm") ? ""
                             : "modules must be signed with an enrolled key (mokutil --import)");
}

} // namespace

std::pair<unsigned, unsigned> version_in(const std::string &text) {
    const std::size_t at = text.find_first_of("0123456789");
    if (at == std::string::npos)
        return {};
    char *end = nullptr;
    const unsigned long major = std::strtoul(text.c_str() + at, &end, 10);
    const unsigned long minor = *end == '.' ? std::strtoul(end + 1, nullptr, 10) : 0;
    return {static_cast<unsigned>(major), static_cast<unsigned>(minor)};
}

void examine_host(const KernelConfig &config, Findings &findings) {
    examine_release(findings);
    examine_options(config, findings);
    examine_iommu(findings);
    examine_modules(findings);
    examine_lockdown(findings);
}

} // namespace lm::ctl
