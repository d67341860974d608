// SPDX-License-Identifier: GPL-2.0-only
#include "plan.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace lm::bench {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Controller, serial, role, memory, bandwidth, vfs, queues)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Plan, controllers, sizes, unlimited_most, whole_most, many_size,
                                   precopy_size, downtime_most, dirty_most, repeat, domain)

std::vector<Controller> Plan::of_role(const std::string &role) const {
    std::vector<Controller> found;
    std::ranges::copy_if(controllers, std::back_inserter(found),
                         [&](const Controller &c) { return c.role == role; });
    return found;
}

Controller Plan::unlimited(const std::string &role) const {
    for (const Controller &controller : of_role(role))
        if (!controller.bandwidth)
            return controller;
    throw std::runtime_error{"the plan has no controller without a limit for " + role};
}

Plan read_plan(const std::string &path) {
    std::ifstream file{path};
    if (!file)
        throw std::runtime_error{"cannot read the plan " + path};
    return nlohmann::json::parse(file).get<Plan>();
}

} // namespace lm::bench
