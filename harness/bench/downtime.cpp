// SPDX-License-Identifier: GPL-2.0-only
/// How long a guest stands still: a running controller moves to another function, with and
/// without PRE_COPY. What is read goes to the destination at once, as over a network that costs
/// nothing, so the phases follow each other and none is hidden behind another.
#include "precopy.hpp"
#include "rows.hpp"

#include <fmt/format.h>

namespace lm::bench {

using migration::State;

namespace {

constexpr unsigned changed_percent = 1;

/// Seconds of each phase.
struct Phases {
    std::vector<double> suspend, read, write, load, resume, total;

    [[nodiscard]] nlohmann::json medians() const {
        return {{"suspend", median(suspend)},
                {"read", median(read)},
                {"write", median(write)},
                {"load", median(load)},
                {"resume", median(resume)}};
    }
};

/// A guest's driver with one I/O queue pair.
void boot(nvme::Driver &guest, Vf &vf) {
    guest.plug(vf.device());
    guest.bring_up();
    guest.create_io_pair({.id = QueueId{1}});
}

/// One migration; the guest asks its new controller something at the end.
void migrate(Stage &stage, std::uint64_t size, bool with_precopy, Phases &phases) {
    Vf source = stage.open(0);
    Vf destination = stage.open(1);
    nvme::Driver guest{stage.rig().backend().address_space()};
    stage.resize(source, size);
    boot(guest, source);

    const Buffer buffer;
    migration::DataFile to = destination.migration().set_with_file(State::resuming);
    double writing = 0;
    const Sink sink = [&](ByteView bytes) {
        const Clock::time_point start = Clock::now();
        to.write_all(bytes);
        writing += seconds_since(start);
    };
    std::optional<migration::DataFile> from;
    if (with_precopy) {
        from = source.migration().set_with_file(State::pre_copy);
        read_until_quiet(*from, buffer, sink);
        stage.touch(source, size, size / 4096 * changed_percent / 100, true);
        writing = 0;
    }

    const Clock::time_point stop = Clock::now();
    if (auto file = source.migration().set(State::stop_copy))
        from = std::move(file);
    phases.suspend.push_back(seconds_since(stop));
    const Clock::time_point reading = Clock::now();
    read_to_end(*from, buffer, sink);
    phases.read.push_back(seconds_since(reading) - writing);
    phases.write.push_back(writing);
    const Clock::time_point loading = Clock::now();
    destination.migration().set(State::stop);
    phases.load.push_back(seconds_since(loading));
    const Clock::time_point resuming = Clock::now();
    destination.migration().set(State::running);
    phases.resume.push_back(seconds_since(resuming));
    phases.total.push_back(seconds_since(stop));

    guest.plug(destination.device());
    if (guest.identify_namespace(Nsid{1}).blocks == 0)
        throw std::runtime_error{"the guest's disk is gone after the migration"};
    guest.unplug();
    // no DMA any more when the guest's memory goes
    source.reset();
    destination.reset();
}

void measure(Stage &stage, std::uint64_t size, bool with_precopy, unsigned repeat, Report &report) {
    Phases phases;
    for (unsigned i = 0; i < repeat; ++i)
        migrate(stage, size, with_precopy, phases);
    nlohmann::json details = {{"size", size},
                              {"precopy", with_precopy},
                              {"bandwidth", stage.controller().bandwidth},
                              {"phases", phases.medians()}};
    report.add({.row = "downtime",
                .what = fmt::format("{}, {}, {}", human(size), pace(stage.controller()),
                                    with_precopy ? "PRE_COPY, 1 % changed" : "stop and copy"),
                .value = median(phases.total) * 1000,
                .unit = "ms",
                .samples = phases.total,
                .details = std::move(details)});
}

} // namespace

void downtime(const Plan &plan, Report &report) {
    for (const Controller &controller : plan.of_role("state")) {
        Stage stage{controller, 2};
        const bool can = has_precopy(stage.open(0).migration());
        for (std::uint64_t size : plan.sizes) {
            if (size > plan.downtime_most)
                continue;
            attempt(report, "downtime", human(size),
                    [&] { measure(stage, size, false, plan.repeat, report); });
            if (can)
                attempt(report, "downtime", human(size) + ", PRE_COPY",
                        [&] { measure(stage, size, true, plan.repeat, report); });
        }
    }
}

} // namespace lm::bench
