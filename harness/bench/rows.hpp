// SPDX-License-Identifier: GPL-2.0-only
/// The rows of the benchmark. Each measures, and adds its results to the report.
#pragma once

#include "plan.hpp"
#include "report.hpp"

#include <functional>
#include <string>
#include <vector>

namespace lm::bench {

struct Row {
    std::string name;
    std::string about;
    std::function<void(const Plan &, Report &)> run;
};

/// Save and load against the same transfers on the PF's passthrough, by size.
void throughput(const Plan &plan, Report &report);

/// Peak kernel memory of a migration, by size.
void memory(const Plan &plan, Report &report);
/// Bytes after the stop with PRE_COPY, by how much has changed.
void precopy(const Plan &plan, Report &report);
/// Downtime by size of state, with and without PRE_COPY, split by phase.
void downtime(const Plan &plan, Report &report);
/// Several functions saved at once: all together, and the slowest of them.
void many(const Plan &plan, Report &report);
/// An Identify on the PF while functions are saved.
void identify(const Plan &plan, Report &report);
/// The dirty report of 1 TiB by dirty pages, and against raw Track Receive.
void dirty(const Plan &plan, Report &report);
/// Admin commands beyond what the bytes of a small state need.
void commands(const Plan &plan, Report &report);

/// All rows in the order in which they run.
const std::vector<Row> &rows();

/// Run one measurement of a row; what it throws is reported, and the others go on.
void attempt(Report &report, const std::string &row, const std::string &what,
             const std::function<void()> &measure);

/// "64 MiB" for people.
std::string human(std::uint64_t bytes);
/// "device at 150 MB/s" or "device unlimited".
std::string pace(const Controller &controller);

} // namespace lm::bench
