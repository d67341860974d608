// SPDX-License-Identifier: GPL-2.0-only
/// Runs nvme-lmctl as a user would.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lm::test {

/// What a run of the tool came to.
struct Outcome {
    int exit;
    std::string out, err;

    /// stdout as JSON; throws when it is none.
    [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
    /// Everything, for messages.
    [[nodiscard]] std::string all() const;
};

/// Run the program that NVME_LMCTL names, or the one of this build, with @input on
/// its stdin.
Outcome tool(const std::vector<std::string> &arguments, const std::string &input = {});

} // namespace lm::test
