// SPDX-License-Identifier: GPL-2.0-only
#include "rows.hpp"

#include <fmt/format.h>

namespace lm::bench {

void attempt(Report &report, const std::string &row, const std::string &what,
             const std::function<void()> &measure) {
    try {
        measure();
    } catch (const std::exception &error) {
        report.fail(row, what + ": " + error.what());
    }
}

std::string human(std::uint64_t bytes) {
    if (bytes >= 1ULL << 30 && bytes % (1ULL << 30) == 0)
        return fmt::format("{} GiB", bytes >> 30);
    if (bytes >= 1ULL << 20 && bytes % (1ULL << 20) == 0)
        return fmt::format("{} MiB", bytes >> 20);
    return fmt::format("{} KiB", bytes >> 10);
}

std::string pace(const Controller &controller) {
    if (!controller.bandwidth)
        return "device unlimited";
    return fmt::format("device at {} MB/s", controller.bandwidth / 1000000);
}

const std::vector<Row> &rows() {
    static const std::vector<Row> all{
        {"throughput", "save and load against raw transfers, by size of state", throughput},
        {"memory", "peak kernel memory of a migration", memory},
        {"precopy", "bytes after the stop with PRE_COPY, by what changed", precopy},
        {"downtime", "downtime by size of state, split by phase", downtime},
        {"many", "functions saved at once: aggregate and fairness", many},
        {"identify", "an Identify on the PF while functions are saved", identify},
        {"dirty", "dirty report of 1 TiB against raw Track Receive", dirty},
        {"commands", "admin commands beyond what the bytes need", commands},
    };
    return all;
}

} // namespace lm::bench
