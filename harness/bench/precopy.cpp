// SPDX-License-Identifier: GPL-2.0-only
/// Bytes that are moved after the stop, when a part of the state has changed since the last pass.
#include "precopy.hpp"

#include "rows.hpp"

#include <fmt/format.h>
#include <thread>

namespace lm::bench {

using migration::State;

namespace {

constexpr std::array<unsigned, 4> percents{0, 1, 10, 50};
constexpr double factor = 1.1;
constexpr double extra = 64 << 10;
/// Scans are that far apart at least, so a change shows no earlier.
constexpr std::chrono::milliseconds scan_interval{120};
/// As many looks in a row that find next to nothing mean that all is known.
constexpr unsigned quiet_looks = 3;
/// Next to nothing: a running controller's state has a clock in it, so a granule of it differs
/// whenever somebody looks.
constexpr std::uint64_t next_to_nothing = 64 << 10;

} // namespace

bool has_precopy(const migration::Migration &migration) {
    return migration.flags() & VFIO_MIGRATION_PRE_COPY;
}

std::uint64_t read_to_end(migration::DataFile &file, const Buffer &buffer, const Sink &sink) {
    std::uint64_t bytes = 0;
    while (const std::size_t n = file.read_some(buffer.bytes())) {
        sink(buffer.bytes().first(n));
        bytes += n;
    }
    return bytes;
}

std::uint64_t read_for_now(migration::DataFile &file, const Buffer &buffer, const Sink &sink) {
    std::uint64_t bytes = 0;
    try {
        for (;;) {
            const std::size_t n = file.read_some(buffer.bytes());
            if (!n)
                throw std::runtime_error{"the file ended in PRE_COPY"};
            sink(buffer.bytes().first(n));
            bytes += n;
        }
    } catch (const std::system_error &error) {
        if (error.code().value() != ENOMSG)
            throw;
    }
    return bytes;
}

std::uint64_t read_until_quiet(migration::DataFile &file, const Buffer &buffer, const Sink &sink) {
    std::uint64_t bytes = read_for_now(file, buffer, sink);
    for (unsigned quiet = 0; quiet < quiet_looks;) {
        quiet = file.precopy_info().bytes() > next_to_nothing ? 0 : quiet + 1;
        bytes += read_for_now(file, buffer, sink);
        std::this_thread::sleep_for(scan_interval);
    }
    return bytes;
}

namespace {

void measure(Stage &stage, std::uint64_t size, unsigned percent, bool scattered, unsigned repeat,
             Report &report) {
    const Buffer buffer;
    const Sink nowhere = [](ByteView) {};
    const double allowed = factor * percent / 100 * static_cast<double>(size) + extra;
    std::vector<double> samples;
    for (unsigned i = 0; i < repeat; ++i) {
        Vf vf = stage.open(0);
        stage.resize(vf, size);
        migration::DataFile file = vf.migration().set_with_file(State::pre_copy);
        read_until_quiet(file, buffer, nowhere);
        stage.touch(vf, size, size / 4096 * percent / 100, scattered);
        vf.migration().set(State::stop_copy);
        samples.push_back(static_cast<double>(read_to_end(file, buffer, nowhere)) / 1024);
    }
    report.add({.row = "precopy",
                .what = fmt::format("after the stop, {}, {} % changed{}", human(size), percent,
                                    percent ? scattered ? ", scattered" : ", in one place" : ""),
                .value = median(samples),
                .unit = "KiB",
                .target = at_most(allowed / 1024),
                .samples = samples,
                .details = {{"size", size}, {"percent", percent}, {"scattered", scattered}}});
}

} // namespace

void precopy(const Plan &plan, Report &report) {
    Stage stage{plan.unlimited("state"), 1};
    if (!has_precopy(stage.open(0).migration())) {
        report.skip("precopy", "the driver offers no PRE_COPY");
        return;
    }
    for (unsigned percent : percents)
        for (bool scattered : {true, false})
            if (percent || scattered)
                measure(stage, plan.precopy_size, percent, scattered, plan.repeat, report);
}

} // namespace lm::bench
