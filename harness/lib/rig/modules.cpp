// SPDX-License-Identifier: GPL-2.0-only
#include "rig/modules.hpp"

#include "util/fd.hpp"
#include "util/sysfs.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
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

/// Load a module of the kernel; one that is built in counts as loaded.
void probe(const std::string &name) {
    if (!is_loaded(name))
        run_program({"modprobe", name});
}

/// The modules that this one stands on, as its .modinfo tells.
std::vector<std::string> dependencies(const fs::path &module) {
    std::ifstream file{module, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    constexpr std::string_view key{"\0depends=", 9};
    const std::size_t at = bytes.find(key);
    if (at == std::string::npos)
        throw std::runtime_error{module.string() + " is no kernel module: it has no 'depends='"};
    std::istringstream list{bytes.c_str() + at + key.size()};
    std::vector<std::string> names;
    for (std::string name; std::getline(list, name, ',');)
        names.push_back(name);
    return names;
}

void insert(const std::string &name, const std::string &folder) {
    if (is_loaded(name))
        return;
    const fs::path path = find_module(name, folder);
    for (const std::string &other : dependencies(path))
        probe(other);
    UniqueFd file = open_file(path, O_RDONLY);
    check(::syscall(SYS_finit_module, file.get(), "", 0),
          fmt::format("cannot load {}.ko; see the kernel log", name));
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
