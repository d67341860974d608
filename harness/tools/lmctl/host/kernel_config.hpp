// SPDX-License-Identifier: GPL-2.0-only
/// The options that the running kernel was built with, where they can be found.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lm::ctl {

enum class Option { off, module, builtin, not_known };

/// The configuration of the running kernel.
class KernelConfig {
  public:
    /// Reads /boot/config-RELEASE, else the one in /lib/modules/RELEASE, else /proc/config.gz.
    static KernelConfig load();

    /// Where it was found; empty: nowhere, and nothing is known.
    [[nodiscard]] const std::string &source() const { return source_; }
    /// An option without its CONFIG_.
    [[nodiscard]] Option option(std::string_view name) const;
    /// Whether it is there, in either form; false also where nothing is known.
    [[nodiscard]] bool has(std::string_view name) const;

  private:
    void parse(std::istream &text);

    std::string source_;
    std::map<std::string, Option, std::less<>> options_;
};

/// "6.12.107+deb13-amd64".
std::string kernel_release();

} // namespace lm::ctl
