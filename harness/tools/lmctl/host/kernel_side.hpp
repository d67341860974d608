// SPDX-License-Identifier: GPL-2.0-only
/// What nvme-lm.ko says in sysfs (Documentation/ABI). Without the module, or for a
/// controller that it does not serve, there is nothing, and nothing fails.
#pragma once

#include "pci/address.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lm::ctl {

/// The attributes of one folder.
class KernelFolder {
  public:
    explicit KernelFolder(std::filesystem::path folder) : folder_{std::move(folder)} {}

    [[nodiscard]] bool exists() const;
    [[nodiscard]] const std::filesystem::path &path() const { return folder_; }
    /// One attribute; empty where there is none, or where it cannot be read.
    [[nodiscard]] std::string text(const std::string &name) const;
    [[nodiscard]] std::optional<std::uint64_t> number(const std::string &name) const;
    /// Names of the entries of a folder below this one, sorted.
    [[nodiscard]] std::vector<std::string> entries(const std::string &name) const;

  private:
    std::filesystem::path folder_;
};

/// Of a controlling controller.
KernelFolder kernel_side(const pci::Address &pf);
/// Of one function that it controls.
KernelFolder kernel_side(const pci::Address &pf, std::uint16_t cntlid);

} // namespace lm::ctl
