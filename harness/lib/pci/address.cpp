// SPDX-License-Identifier: GPL-2.0-only
#include "pci/address.hpp"

#include "util/sysfs.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace lm::pci {

namespace fs = std::filesystem;

fs::path Address::sysfs() const {
    return fs::path{"/sys/bus/pci/devices"} / text_;
}

unsigned Address::iommu_group() const {
    const fs::path link = sysfs() / "iommu_group";
    if (!fs::exists(link))
        throw std::runtime_error{
            fmt::format("{} is in no IOMMU group: boot with an IOMMU and intel_iommu=on", text_)};
    return static_cast<unsigned>(std::stoul(fs::read_symlink(link).filename()));
}

Address Address::bridge() const {
    const fs::path above = fs::canonical(sysfs()).parent_path();
    if (!fs::exists(above / "secondary_bus_number"))
        throw std::runtime_error{fmt::format("{} is behind no bridge", text_)};
    return Address{above.filename()};
}

std::optional<std::string> Address::driver() const {
    const fs::path link = sysfs() / "driver";
    if (!fs::exists(link))
        return std::nullopt;
    return fs::read_symlink(link).filename();
}

void bind(const Address &function, const std::string &driver) {
    if (function.driver() == driver)
        return;
    unbind(function);
    sysfs::write(function.sysfs() / "driver_override", driver);
    sysfs::write("/sys/bus/pci/drivers_probe", function.text());
    if (function.driver() != driver)
        throw std::runtime_error{fmt::format("{} did not bind to {}: it has {}; see the kernel log",
                                             function.text(), driver,
                                             function.driver().value_or("no driver"))};
}

void unbind(const Address &function) {
    if (function.driver())
        sysfs::write(function.sysfs() / "driver/unbind", function.text());
    sysfs::write(function.sysfs() / "driver_override", "\n");
}

void remove(const Address &function) {
    sysfs::write(function.sysfs() / "remove", "1");
}

void rescan() {
    sysfs::write("/sys/bus/pci/rescan", "1");
}

} // namespace lm::pci
