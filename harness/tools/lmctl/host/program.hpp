// SPDX-License-Identifier: GPL-2.0-only
/// Other programs that are asked something.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lm::ctl {

/// What a program found in PATH writes to its stdout, at most 1 MiB; nothing when it
/// is not there or fails. Its stderr is dropped.
std::optional<std::string> output_of(const std::vector<std::string> &arguments);

} // namespace lm::ctl
