// SPDX-License-Identifier: GPL-2.0-only
/// Controllers and functions as JSON, in the same words for every command.
#pragma once

#include "host/capability.hpp"
#include "json.hpp"

namespace lm::ctl {

/// A controlling controller without its functions.
Json controller_to_json(const Domain &domain);

/// A function in short, as `list` has it.
Json function_to_json(const Domain &domain, const Function &function);

/// The matrix: {key: {has, needed, why}}.
Json capabilities_to_json(const std::vector<Capability> &capabilities);

} // namespace lm::ctl
