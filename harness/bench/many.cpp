// SPDX-License-Identifier: GPL-2.0-only
/// 1, 2, 4 and 8 functions of one PF saved at once: what all of them get together against what
/// one gets alone, and what the slowest gets of a fair share.
#include "rows.hpp"
#include "savers.hpp"

#include <fmt/format.h>
#include <map>

namespace lm::bench {

namespace {

constexpr double aggregate_target = 0.95;
constexpr double fair_target = 0.9;
constexpr double mb = 1e6;

/// What rounds with the same number of functions gave.
struct Rounds {
    std::vector<double> rates, ratios, shares;
};

void report_rounds(const Controller &controller, unsigned count, const Rounds &rounds,
                   Report &report) {
    const nlohmann::json details{
        {"functions", count}, {"bandwidth", controller.bandwidth}, {"MB/s", median(rounds.rates)}};
    Result aggregate{.row = "many",
                     .what = fmt::format("{} at once / one, {} ({:.0f} MB/s)", count,
                                         pace(controller), median(rounds.rates)),
                     .value = median(rounds.ratios),
                     .unit = "x",
                     .samples = rounds.ratios,
                     .details = details};
    Result share{
        .row = "many",
        .what = fmt::format("{} at once, slowest of its fair share, {}", count, pace(controller)),
        .value = median(rounds.shares),
        .unit = "x",
        .samples = rounds.shares,
        .details = details};
    if (count > 1 && controller.bandwidth) {
        aggregate.target = at_least(aggregate_target);
        share.target = at_least(fair_target);
    }
    report.add(std::move(aggregate));
    if (count > 1)
        report.add(std::move(share));
}

/// One function, two, four and so on take turns, and each is compared with the one before it.
void measure(Stage &stage, const Plan &plan, Report &report) {
    const unsigned most = stage.controller().vfs;
    Savers savers{stage, most, plan.many_size};
    std::map<unsigned, Rounds> all;
    for (unsigned i = 0; i < plan.repeat; ++i) {
        double single = 0;
        for (unsigned count = 1; count <= most; count *= 2) {
            const Savers::Round round = savers.run(count);
            const double rate = static_cast<double>(round.bytes) / round.seconds / mb;
            if (count == 1)
                single = rate;
            all[count].rates.push_back(rate);
            all[count].ratios.push_back(rate / single);
            all[count].shares.push_back(round.slowest_share);
        }
    }
    for (const auto &[count, rounds] : all)
        report_rounds(stage.controller(), count, rounds, report);
}

} // namespace

void many(const Plan &plan, Report &report) {
    for (const Controller &controller : plan.of_role("many")) {
        Stage stage{controller};
        measure(stage, plan, report);
    }
}

} // namespace lm::bench
