// SPDX-License-Identifier: GPL-2.0-only
/// JSON with its members in the order in which they were written.
#pragma once

#include <nlohmann/json.hpp>

namespace lm::ctl {

using Json = nlohmann::ordered_json;

} // namespace lm::ctl
