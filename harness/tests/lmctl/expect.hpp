// SPDX-License-Identifier: GPL-2.0-only
/// What the tests of nvme-lmctl in the rig have in common.
#pragma once

#include "lmctl/tool.hpp"

namespace lm::test {

/// Run the tool and expect its exit code.
Outcome expect(int exit, const std::vector<std::string> &arguments);

/// A text that was broken into lines, as one.
std::string unwrapped(const std::string &text);

/// The name of a file that a test may write.
std::string file(const std::string &name);
void write_file(const std::string &name, const std::string &text);

/// The point of a comparison, as JSON.
nlohmann::json point(const nlohmann::json &check, const std::string &name);

/// A member of a list of objects of which one member has this value; null without one.
nlohmann::json member_with(const nlohmann::json &list, const std::string &key,
                           const nlohmann::json &value);

} // namespace lm::test
