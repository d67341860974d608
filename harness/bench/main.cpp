// SPDX-License-Identifier: GPL-2.0-only
/// The benchmark: runs as root inside the rig, on the controllers that the plan names.
#include "plan.hpp"
#include "report.hpp"
#include "rows.hpp"
#include "stage.hpp"

#include "rig/modules.hpp"
#include "util/sysfs.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <sys/utsname.h>

namespace {

using namespace lm::bench;

void note_facts(const Plan &plan, Report &report) {
    utsname name{};
    ::uname(&name);
    report.note("kernel", name.release);
    report.note("domain", plan.domain);
    report.note("repeat", plan.repeat);
    report.note("iommufd", std::filesystem::exists("/dev/iommu"));
}

void run(const Row &row, const Plan &plan, Report &report) {
    try {
        row.run(plan, report);
    } catch (const std::exception &error) {
        report.fail(row.name, error.what());
    }
}

} // namespace

int main(int argc, char **argv) {
    std::string plan_path, out = "results.json";
    std::vector<std::string> wanted;
    bool list = false;

    CLI::App app{"The benchmark of nvme-lm; runs as root inside the rig"};
    app.add_option("--plan", plan_path, "The controllers to measure on, JSON");
    app.add_option("--out", out, "Where the results go, JSON")->capture_default_str();
    app.add_flag("--list", list, "Only name the rows");
    app.add_option("rows", wanted, "Rows to run (default: all)");
    CLI11_PARSE(app, argc, argv);

    if (list) {
        for (const Row &row : rows())
            fmt::print("{:12} {}\n", row.name, row.about);
        return 0;
    }
    for (const std::string &name : wanted)
        if (std::ranges::find(rows(), name, &Row::name) == rows().end()) {
            fmt::print(stderr, "there is no row {}; see --list\n", name);
            return 2;
        }
    try {
        const Plan plan = read_plan(plan_path);
        Report report{out};
        lm::rig::load_modules(lm::rig::variant_driver, modules_folder());
        // the emulated device takes the pieces of a state in any order, and so does raw
        lm::sysfs::write("/sys/module/nvme_lm/parameters/random_write", "Y");
        note_facts(plan, report);
        for (const Row &row : rows())
            if (wanted.empty() || std::ranges::find(wanted, row.name) != wanted.end())
                run(row, plan, report);
        return report.failures() ? 1 : 0;
    } catch (const std::exception &error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
