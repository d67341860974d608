// SPDX-License-Identifier: GPL-2.0-only
#include "commands/launch_lines.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace lm::ctl {

std::string qemu_arguments(const Domain &domain, const Function &f) {
    std::error_code error;
    const bool iommufd = f.address && std::filesystem::exists("/dev/iommu", error) &&
                         std::filesystem::exists(f.address->sysfs() / "vfio-dev", error);
    const std::vector<Capability> capabilities = capabilities_of(domain, f);
    const bool tracked = std::ranges::any_of(
        capabilities, [](const Capability &c) { return c.key == "dirty_tracking" && c.has; });
    std::string text;
    if (iommufd)
        text = "-object iommufd,id=iommufd0 ";
    text += fmt::format("-device vfio-pci,host={}", f.name());
    if (iommufd)
        text += ",iommufd=iommufd0";
    if (is_migratable(capabilities) && !tracked)
        text += ",enable-migration=on";
    return text;
}

std::string libvirt_element(const Function &f, const std::string &driver) {
    const std::string &a = address_of(f).text();
    // DDDD:BB:DD.F
    return fmt::format(
        "<hostdev mode='subsystem' type='pci' managed='no'><driver model='{}'/><source>"
        "<address domain='0x{}' bus='0x{}' slot='0x{}' function='0x{}'/></source></hostdev>",
        driver, a.substr(0, 4), a.substr(5, 2), a.substr(8, 2), a.substr(11, 1));
}

} // namespace lm::ctl
