// SPDX-License-Identifier: GPL-2.0-only
/// What the host's own use of the PF's admin queue feels while functions are saved. The thread
/// that asks has real-time priority: the processor is not what is measured, the queue is.
#include "raw_admin.hpp"
#include "rows.hpp"
#include "savers.hpp"

#include "nvme/command.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <thread>

namespace lm::bench {

namespace {

constexpr double target = 3;
/// In each round, before the functions are saved.
constexpr std::size_t idle_samples = 1000;
constexpr std::chrono::milliseconds between{2};

void take_priority(bool take) {
    sched_param parameter{};
    parameter.sched_priority = take ? 10 : 0;
    check(-::pthread_setschedparam(::pthread_self(), take ? SCHED_FIFO : SCHED_OTHER, &parameter),
          "pthread_setschedparam");
}

/// Latencies of Identify Controller until @done says so.
template <typename Done> std::vector<double> ask(RawAdmin &admin, const Buffer &buffer, Done done) {
    std::vector<double> latencies;
    const ByteSpan page = buffer.bytes().first(4096);
    take_priority(true);
    while (!done(latencies.size())) {
        latencies.push_back(admin.single(nvme::identify(nvme::Cns::controller), page));
        std::this_thread::sleep_for(between);
    }
    take_priority(false);
    return latencies;
}

void measure(Stage &stage, const Plan &plan, Report &report) {
    RawAdmin admin{stage.path(), 4096, 1};
    const Buffer buffer{4096};
    const unsigned functions = stage.controller().vfs;
    Savers savers{stage, functions, plan.many_size};
    std::vector<double> idle, busy, ratios;
    for (unsigned i = 0; i < plan.repeat; ++i) {
        const std::vector<double> before =
            ask(admin, buffer, [](std::size_t n) { return n >= idle_samples; });
        std::vector<double> meanwhile;
        savers.run(functions, [&](const std::atomic<bool> &saved) {
            meanwhile = ask(admin, buffer, [&](std::size_t) { return saved.load(); });
        });
        ratios.push_back(quantile(meanwhile, 0.99) / quantile(before, 0.99));
        idle.insert(idle.end(), before.begin(), before.end());
        busy.insert(busy.end(), meanwhile.begin(), meanwhile.end());
    }

    nlohmann::json details = {{"bandwidth", stage.controller().bandwidth},
                              {"functions", functions}};
    for (const auto &[name, values] :
         {std::pair{"idle", idle}, std::pair{"busy", std::as_const(busy)}})
        details[name] = {{"count", values.size()},
                         {"median ms", median(values) * 1e3},
                         {"p99 ms", quantile(values, 0.99) * 1e3},
                         {"max ms", quantile(values, 1) * 1e3}};
    Result result{.row = "identify",
                  .what = fmt::format("p99 with {} saving / idle, {} ({:.2f} / {:.2f} ms)",
                                      functions, pace(stage.controller()),
                                      quantile(busy, 0.99) * 1e3, quantile(idle, 0.99) * 1e3),
                  .value = median(ratios),
                  .unit = "x",
                  .samples = ratios,
                  .details = std::move(details)};
    if (stage.controller().bandwidth)
        result.target = at_most(target);
    report.add(std::move(result));
}

} // namespace

void identify(const Plan &plan, Report &report) {
    for (const Controller &controller : plan.of_role("many")) {
        Stage stage{controller};
        measure(stage, plan, report);
    }
}

} // namespace lm::bench
