// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl watch: what moves right now.
#include "command.hpp"
#include "host/function.hpp"
#include "host/interrupt.hpp"
#include "host/kernel_side.hpp"
#include "host/usage.hpp"
#include "text/style.hpp"
#include "text/table.hpp"
#include "text/terminal.hpp"

#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <poll.h>
#include <unistd.h>

namespace lm::ctl {

namespace {

struct Options {
    double interval = 1;
    unsigned count = 0;
};

using Clock = std::chrono::steady_clock;

/// What has moved for a function, at one moment.
struct Sample {
    std::uint64_t read = 0, written = 0, commands = 0, errors = 0;
    std::string phase{};
    Clock::time_point when = Clock::now();
};

/// A function to look at; found once, no device is asked while it is watched.
struct Watched {
    std::string controller;
    std::uint16_t cntlid;
    pci::Address address;
    KernelFolder kernel;
};

std::vector<Watched> find_watched() {
    std::vector<Watched> list;
    bool any_kernel = false;
    for (const Controller &c : find_controllers()) {
        if (c.is_vf || !kernel_side(c.address).exists())
            continue;
        any_kernel = true;
        for (const Function &f : read_domain(c, open_controller(c)).functions)
            if (f.address)
                list.push_back({c.name, f.cntlid, *f.address, kernel_side(c.address, f.cntlid)});
    }
    if (!any_kernel)
        throw Problem{"nvme-lm gives no statistics: it is not loaded, or serves no controller here",
                      "modprobe nvme-vfio-pci; nvme-lmctl doctor"};
    return list;
}

/// VFIO's own word where the kernel has it (CONFIG_VFIO_DEBUGFS), else what moves.
std::string phase_of(const Watched &w, const Sample &now, const Sample &before) {
    const KernelFolder debug{"/sys/kernel/debug/vfio/" + w.address.text() + "/migration"};
    std::string told = debug.text("state");
    if (!told.empty())
        return told;
    if (now.read != before.read)
        return "saving";
    if (now.written != before.written)
        return "restoring";
    return w.kernel.number("in_use").value_or(0) != 0 ? "in use" : "idle";
}

Sample take(const Watched &w, const Sample &before) {
    Sample now;
    now.read = w.kernel.number("statistics/bytes_read").value_or(0);
    now.written = w.kernel.number("statistics/bytes_written").value_or(0);
    now.commands = w.kernel.number("statistics/commands").value_or(0);
    now.errors = w.kernel.number("statistics/errors").value_or(0);
    now.phase = phase_of(w, now, before);
    return now;
}

std::string rate(std::uint64_t now, std::uint64_t before, double seconds) {
    if (now <= before || seconds <= 0)
        return "-";
    return human_size(static_cast<std::uint64_t>(static_cast<double>(now - before) / seconds)) +
           "/s";
}

std::string picture(const std::vector<Watched> &list, std::map<std::string, Sample> &samples) {
    Table table{{"FUNCTION", "PF", "PHASE", ">READ", ">RATE", ">WRITTEN", ">RATE", ">ERRORS"}};
    for (const Watched &w : list) {
        const auto [place, first] = samples.try_emplace(w.address.text());
        const Sample before = place->second;
        Sample now = take(w, first ? Sample{} : before);
        const double seconds = std::chrono::duration<double>(now.when - before.when).count();
        table.add({w.address.text(), w.controller, first && now.phase != "in use" ? "-" : now.phase,
                   human_size(now.read), first ? "-" : rate(now.read, before.read, seconds),
                   human_size(now.written),
                   first ? "-" : rate(now.written, before.written, seconds),
                   now.errors == 0 ? "0" : bad(with_commas(now.errors))});
        place->second = std::move(now);
    }
    return table.text(0);
}

Exit run(const Options &options) {
    note_interrupts();
    const std::vector<Watched> list = find_watched();
    const bool terminal = is_terminal(STDOUT_FILENO);
    std::map<std::string, Sample> samples;
    for (unsigned round = 0; !was_interrupted() && (options.count == 0 || round < options.count);
         ++round) {
        if (round != 0) {
            ::poll(nullptr, 0, static_cast<int>(std::lround(options.interval * 1000)));
            if (was_interrupted())
                break;
        }
        print((terminal ? "\x1b[H\x1b[J" : round == 0 ? "" : "\n") + picture(list, samples));
    }
    return Exit::success;
}

} // namespace

void add_watch(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub = app.add_subcommand("watch", "Show live what is being saved and restored");
    sub->add_option("--interval", options->interval, "Seconds between two looks (default: 1)")
        ->check(CLI::Range(0.05, 3600.0))
        ->type_name("SECONDS");
    sub->add_option("--count", options->count, "End after N looks (default: at Ctrl-C)")
        ->check(CLI::Range(1, 1000000))
        ->type_name("N");
    sub->footer(examples(
        {{"nvme-lmctl watch", ""}, {"nvme-lmctl watch --interval 0.2 --count 50 > log", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
