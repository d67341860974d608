// SPDX-License-Identifier: GPL-2.0-only
#include "host/kernel_side.hpp"

#include "util/sysfs.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <system_error>

namespace lm::ctl {

namespace fs = std::filesystem;

bool KernelFolder::exists() const {
    std::error_code error;
    return fs::is_directory(folder_, error);
}

std::string KernelFolder::text(const std::string &name) const {
    std::error_code error;
    if (!fs::exists(folder_ / name, error))
        return {};
    try {
        return sysfs::read(folder_ / name);
    } catch (const std::system_error &) {
        return {};
    }
}

std::optional<std::uint64_t> KernelFolder::number(const std::string &name) const {
    const std::string value = text(name);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || value.empty())
        return std::nullopt;
    return number;
}

std::vector<std::string> KernelFolder::entries(const std::string &name) const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto &entry : fs::directory_iterator{folder_ / name, error})
        names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

KernelFolder kernel_side(const pci::Address &pf) {
    return KernelFolder{pf.sysfs() / "nvme_lm"};
}

KernelFolder kernel_side(const pci::Address &pf, std::uint16_t cntlid) {
    return KernelFolder{pf.sysfs() / "nvme_lm/functions" / fmt::format("{}", cntlid)};
}

} // namespace lm::ctl
