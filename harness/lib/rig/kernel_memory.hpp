// SPDX-License-Identifier: GPL-2.0-only
/// Kernel memory that is charged to this process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace lm::rig {

/// A memory cgroup of this process's own. What the kernel allocates on its behalf, accounted,
/// is counted there by the kernel itself, whatever the driver says of it.
class KernelMemory {
  public:
    /// Moves this process into it; where the kernel has no memory cgroups, nothing is counted.
    KernelMemory();
    KernelMemory(const KernelMemory &) = delete;
    KernelMemory &operator=(const KernelMemory &) = delete;
    ~KernelMemory();

    [[nodiscard]] bool counts() const { return !group_.empty(); }
    /// Bytes now.
    [[nodiscard]] std::uint64_t now() const;

  private:
    std::filesystem::path group_;
};

} // namespace lm::rig
