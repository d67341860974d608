// SPDX-License-Identifier: GPL-2.0-only
#include "rig/modules.hpp"

#include "util/fd.hpp"
#include "util/sysfs.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/syscall.h>

namespace lm::rig {

namespace {

namespace fs = std::filesystem;

bool is_loaded(std::string module) {
    std::ranges::replace(module, '-', '_');
    return fs::exists("/sys/module/" + module);
}

/// Find NAME.ko anywhere below @folder.
fs::path find_module(const std::string &name, const std::string &folder) {
    if (folder.empty() || !fs::is_directory(folder))
        throw std::runtime_error{fmt::format(
            "the driver {} is to be loaded, and '{}' is no folder with modules: set --modules or "
            "NVME_LM_MODULES",
            name, folder)};
    for (const auto &entry : fs::recursive_directory_iterator{folder})
        if (entry.path().filename() == name + ".ko")
            return entry.path();
    throw std::runtime_error{fmt::format("there is no {}.ko below {}", name, folder)};
}

void insert(const std::string &name, const std::string &folder) {
    if (is_loaded(name))
        return;
    UniqueFd file = open_file(find_module(name, folder), O_RDONLY);
    check(::syscall(SYS_finit_module, file.get(), "", 0),
          fmt::format("cannot load {}.ko; see the kernel log", name));
}

/// Load a module of the kernel; one that is built in counts as loaded.
void probe(const std::string &name) {
    if (!is_loaded(name))
        run_program({"modprobe", name});
}

} // namespace

void load_modules(const std::string &driver, const std::string &folder) {
    probe("vfio_iommu_type1");
    probe("vfio-pci"); // brings the core, and lets a plain driver stand beside ours
    if (driver != variant_driver)
        return;
    insert("nvme-lm", folder);
    insert(driver, folder);
}

} // namespace lm::rig
