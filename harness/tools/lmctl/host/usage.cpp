// SPDX-License-Identifier: GPL-2.0-only
#include "host/usage.hpp"

#include "util/sysfs.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace lm::ctl {

namespace fs = std::filesystem;

std::vector<std::string> vfio_paths(const pci::Address &function) {
    std::vector<std::string> paths;
    std::error_code error;
    for (const auto &entry : fs::directory_iterator{function.sysfs() / "vfio-dev", error})
        if (fs::exists("/dev/vfio/devices/" + entry.path().filename().string(), error))
            paths.push_back("/dev/vfio/devices/" + entry.path().filename().string());
    const fs::path group = fs::read_symlink(function.sysfs() / "iommu_group", error).filename();
    if (!error && fs::exists("/dev/vfio" / group, error))
        paths.push_back("/dev/vfio/" + group.string());
    return paths;
}

namespace {

bool has_open(const fs::path &process, const std::vector<std::string> &paths) {
    std::error_code error;
    for (const auto &fd : fs::directory_iterator{process / "fd", error}) {
        const fs::path target = fs::read_symlink(fd.path(), error);
        if (!error && std::ranges::find(paths, target.string()) != paths.end())
            return true;
    }
    return false;
}

} // namespace

std::optional<std::string> user_of(const pci::Address &function) {
    const std::vector<std::string> paths = vfio_paths(function);
    if (paths.empty())
        return std::nullopt;
    std::error_code error;
    for (const auto &entry : fs::directory_iterator{"/proc", error}) {
        const std::string pid = entry.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos ||
            !has_open(entry.path(), paths))
            continue;
        try {
            return fmt::format("{} (pid {})", sysfs::read(entry.path() / "comm"), pid);
        } catch (const std::system_error &) {
            return fmt::format("pid {}", pid);
        }
    }
    return std::nullopt;
}

} // namespace lm::ctl
