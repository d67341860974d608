// SPDX-License-Identifier: GPL-2.0-only
/// Small text files under /sys, and programs started by the rig.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lm::sysfs {

/// The content of an attribute without its line end.
std::string read(const std::filesystem::path &path);

/// Write an attribute; throws with path and value when the kernel refuses it.
void write(const std::filesystem::path &path, std::string_view value);

} // namespace lm::sysfs

namespace lm {

/// Run a program found in PATH to its end; throws unless it exits with 0.
void run_program(const std::vector<std::string> &arguments);

} // namespace lm
