// SPDX-License-Identifier: GPL-2.0-only
#include "rig/kernel_memory.hpp"

#include "util/sysfs.hpp"

#include <fstream>
#include <stdexcept>
#include <sys/mount.h>
#include <unistd.h>

namespace lm::rig {

namespace fs = std::filesystem;

namespace {
const fs::path root = "/sys/fs/cgroup";

bool mounted() {
    return fs::exists(root / "cgroup.controllers") ||
           ::mount("none", root.c_str(), "cgroup2", 0, nullptr) == 0;
}
} // namespace

KernelMemory::KernelMemory() {
    if (!fs::exists(root) || !mounted() ||
        sysfs::read(root / "cgroup.controllers").find("memory") == std::string::npos)
        return;
    sysfs::write(root / "cgroup.subtree_control", "+memory");
    group_ = root / "nvme-lm-harness";
    fs::create_directory(group_);
    sysfs::write(group_ / "cgroup.procs", std::to_string(::getpid()));
}

KernelMemory::~KernelMemory() {
    if (!counts())
        return;
    std::error_code ignored;
    std::ofstream{root / "cgroup.procs"} << ::getpid();
    fs::remove(group_, ignored);
}

std::uint64_t KernelMemory::now() const {
    std::ifstream stat{group_ / "memory.stat"};
    std::string key;
    for (std::uint64_t value = 0; stat >> key >> value;)
        if (key == "kernel")
            return value;
    throw std::runtime_error{"memory.stat of the cgroup has no line 'kernel'"};
}

} // namespace lm::rig
