// SPDX-License-Identifier: GPL-2.0-only
/// 1, 2, 4 and 8 functions of one PF saved at once: what all of them get together against what
/// one gets alone, and what the slowest gets of a fair share.
#include "rows.hpp"
#include "savers.hpp"

#include <fmt/format.h>

namespace lm::bench {

namespace {

constexpr double aggregate_target = 0.95;
constexpr double fair_target = 0.9;
constexpr double mb = 1e6;

void measure(Stage &stage, unsigned count, std::uint64_t size, unsigned repeat, double &single,
             Report &report) {
    Savers savers{stage, count, size};
    std::vector<double> rates, shares;
    for (unsigned i = 0; i < repeat; ++i) {
        const Savers::Round round = savers.run();
        rates.push_back(static_cast<double>(round.bytes) / round.seconds / mb);
        shares.push_back(round.slowest_share);
    }
    if (count == 1)
        single = median(rates);
    const Controller &controller = stage.controller();
    const nlohmann::json details{
        {"functions", count}, {"bandwidth", controller.bandwidth}, {"MB/s", median(rates)}};
    std::vector<double> ratios = rates;
    for (double &rate : ratios)
        rate /= single;
    Result aggregate{.row = "many",
                     .what = fmt::format("{} at once / one, {} ({:.0f} MB/s)", count,
                                         pace(controller), median(rates)),
                     .value = median(ratios),
                     .unit = "x",
                     .samples = ratios,
                     .details = details};
    Result share{
        .row = "many",
        .what = fmt::format("{} at once, slowest of its fair share, {}", count, pace(controller)),
        .value = median(shares),
        .unit = "x",
        .samples = shares,
        .details = details};
    if (count > 1 && controller.bandwidth) {
        aggregate.target = at_least(aggregate_target);
        share.target = at_least(fair_target);
    }
    report.add(std::move(aggregate));
    if (count > 1)
        report.add(std::move(share));
}

} // namespace

void many(const Plan &plan, Report &report) {
    for (const Controller &controller : plan.of_role("many")) {
        Stage stage{controller};
        double single = 0;
        for (unsigned count = 1; count <= controller.vfs; count *= 2)
            measure(stage, count, plan.many_size, plan.repeat, single, report);
    }
}

} // namespace lm::bench
