// SPDX-License-Identifier: GPL-2.0-only
/// The controllers that the runner has prepared, and what to measure on each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lm::bench {

/// One PF of the rig.
struct Controller {
    std::string serial;          ///< its serial number, by which it is found
    std::string role;            ///< what it is for: state, many, tracking, queues
    std::uint64_t memory = 0;    ///< most bytes of device memory in a function's state
    std::uint64_t bandwidth = 0; ///< bytes of state per second that it moves; 0: as fast as it can
    unsigned vfs = 1;
    unsigned queues = 1; ///< I/O queue pairs a VF can get
};

struct Plan {
    std::vector<Controller> controllers;
    std::vector<std::uint64_t> sizes; ///< of state, for the rows that go by size
    std::uint64_t unlimited_most = 0; ///< the largest of @sizes where there is no target
    std::uint64_t whole_most = 0;     ///< the largest to compare with a whole-image driver
    std::uint64_t many_size = 0;      ///< of each of the states that are saved at once
    std::uint64_t precopy_size = 0;   ///< of the state of which a part changes
    std::uint64_t downtime_most = 0;  ///< the largest of @sizes for the row downtime
    unsigned dirty_most = 0;          ///< dirty pages at most
    unsigned repeat = 5;              ///< measurements of each value
    std::string domain;               ///< of the PF: translated or passthrough

    /// All controllers of a role.
    [[nodiscard]] std::vector<Controller> of_role(const std::string &role) const;
    /// The one of a role that is as fast as it can be; throws where there is none.
    [[nodiscard]] Controller unlimited(const std::string &role) const;
};

/// Read the runner's JSON.
Plan read_plan(const std::string &path);

} // namespace lm::bench
