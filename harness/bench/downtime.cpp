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

/// Blocks of 4 KiB next to each other that change after the last look, however large the state is:
/// 256 KiB. So what travels after the stop should not depend on the size.
constexpr std::uint64_t changed_blocks = 64;
/// What the largest state moves after the stop with PRE_COPY, of what the smallest moves.
constexpr double flat_within = 1.1;

/// Seconds of each phase, and bytes of stream after the stop.
struct Phases {
    std::vector<double> suspend, read, write, load, resume, total, bytes;

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
        stage.touch(source, size, changed_blocks, false);
        writing = 0;
    }

    const Clock::time_point stop = Clock::now();
    if (auto file = source.migration().set(State::stop_copy))
        from = std::move(file);
    phases.suspend.push_back(seconds_since(stop));
    const Clock::time_point reading = Clock::now();
    phases.bytes.push_back(static_cast<double>(read_to_end(*from, buffer, sink)));
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

/// Gives the bytes after the stop.
double measure(Stage &stage, std::uint64_t size, bool with_precopy, unsigned repeat,
               Report &report) {
    Phases phases;
    for (unsigned i = 0; i < repeat; ++i)
        migrate(stage, size, with_precopy, phases);
    nlohmann::json details = {{"size", size},
                              {"precopy", with_precopy},
                              {"bandwidth", stage.controller().bandwidth},
                              {"phases", phases.medians()},
                              {"bytes after the stop", median(phases.bytes)}};
    report.add({.row = "downtime",
                .what = fmt::format("{}, {}, {}", human(size), pace(stage.controller()),
                                    with_precopy ? "PRE_COPY, 256 KiB changed" : "stop and copy"),
                .value = median(phases.total) * 1000,
                .unit = "ms",
                .samples = phases.total,
                .details = std::move(details)});
    return median(phases.bytes);
}

void report_flatness(const Controller &controller, const std::vector<double> &bytes,
                     Report &report) {
    if (bytes.size() < 2)
        return;
    const auto [least, most] = std::ranges::minmax(bytes);
    report.add({.row = "downtime",
                .what = fmt::format("bytes after the stop with PRE_COPY, most / least, {}",
                                    pace(controller)),
                .value = most / least,
                .unit = "x",
                .target = at_most(flat_within),
                .samples = bytes});
}

} // namespace

void downtime(const Plan &plan, Report &report) {
    for (const Controller &controller : plan.of_role("state")) {
        Stage stage{controller, 2};
        const bool can = has_precopy(stage.open(0).migration());
        std::vector<double> bytes;
        for (std::uint64_t size : plan.sizes) {
            if (size > plan.downtime_most)
                continue;
            attempt(report, "downtime", human(size),
                    [&] { measure(stage, size, false, plan.repeat, report); });
            if (can)
                attempt(report, "downtime", human(size) + ", PRE_COPY",
                        [&] { bytes.push_back(measure(stage, size, true, plan.repeat, report)); });
        }
        report_flatness(controller, bytes, report);
    }
}

} // namespace lm::bench
