// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl watch: what moves right now.
#include "command.hpp"
#include "host/function.hpp"
#include "host/interrupt.hpp"
#include "host/kernel_side.hpp"
#include "json.hpp"
#include "text/style.hpp"
#include "text/table.hpp"
#include "text/terminal.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <poll.h>
#include <sstream>
#include <unistd.h>

namespace lm::ctl {

namespace {

struct Options {
    double interval = 1;
    unsigned count = 0;
    bool json = false;
};

using Clock = std::chrono::steady_clock;
using Statistics = std::map<std::string, std::uint64_t>;

/// What has moved for a function, at one moment.
struct Sample {
    std::uint64_t read = 0, written = 0, commands = 0, errors = 0;
    Statistics statistics{}; ///< of its last migration; none where debugfs cannot be read
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

/// Whether one of the numbers that begin like this is another one.
bool changed(const Statistics &now, const Statistics &before, std::string_view beginning) {
    return std::ranges::any_of(now, [&](const auto &number) {
        const auto place = before.find(number.first);
        return number.first.starts_with(beginning) &&
               (place == before.end() || place->second != number.second);
    });
}

/// VFIO's own word where the kernel has it (CONFIG_VFIO_DEBUGFS), else what moves.
std::string phase_of(const Watched &w, const Sample &now, const Sample &before) {
    const KernelFolder debug{"/sys/kernel/debug/vfio/" + w.address.text() + "/migration"};
    std::string told = debug.text("state");
    if (!told.empty())
        return told;
    if (changed(now.statistics, before.statistics, "save_"))
        return "saving";
    if (changed(now.statistics, before.statistics, "load_"))
        return "restoring";
    // Without debugfs: a restore reads a little, too, to see who the function is.
    if (now.statistics.empty() && now.written != before.written)
        return "restoring";
    if (now.statistics.empty() && now.read != before.read)
        return "saving";
    return w.kernel.number("in_use").value_or(0) != 0 ? "in use" : "idle";
}

/// The driver's numbers of the last migration: a line for each, name and value.
Statistics statistics_of(const pci::Address &address) {
    const KernelFolder folder{"/sys/kernel/debug/nvme-vfio-pci/" + address.text()};
    std::istringstream lines{folder.text("statistics")};
    Statistics statistics;
    std::string name;
    for (std::uint64_t value = 0; lines >> name >> value;)
        statistics[name] = value;
    return statistics;
}

Sample take(const Watched &w, const Sample &before) {
    Sample now;
    now.read = w.kernel.number("statistics/bytes_read").value_or(0);
    now.written = w.kernel.number("statistics/bytes_written").value_or(0);
    now.commands = w.kernel.number("statistics/commands").value_or(0);
    now.errors = w.kernel.number("statistics/errors").value_or(0);
    now.statistics = statistics_of(w.address);
    now.phase = phase_of(w, now, before);
    return now;
}

std::uint64_t value_of(const Statistics &statistics, const char *name) {
    const auto place = statistics.find(name);
    return place == statistics.end() ? 0 : place->second;
}

/// What is left of the first pass, which without PRE_COPY is the only one. Nobody knows
/// how much of later ones.
std::optional<std::uint64_t> left_of(const Statistics &s) {
    const std::uint64_t all = value_of(s, "save_state_bytes");
    const std::uint64_t sent = value_of(s, "save_first_bytes") + value_of(s, "save_final_bytes");
    const bool through = value_of(s, "save_first_ns") != 0 || value_of(s, "save_final_ns") != 0;
    if (all == 0 || through)
        return std::nullopt;
    return all - std::min(sent, all);
}

/// How long the guest stood still for what this function did: as source, or as destination.
std::optional<std::uint64_t> standstill_of(const Statistics &s) {
    if (value_of(s, "save_final_ns") != 0)
        return value_of(s, "suspend_ns") + value_of(s, "save_final_ns");
    if (value_of(s, "load_apply_ns") != 0)
        return value_of(s, "load_apply_ns") + value_of(s, "resume_ns");
    return std::nullopt;
}

std::optional<std::uint64_t> rate(std::uint64_t now, std::uint64_t before, double seconds) {
    if (now <= before || seconds <= 0)
        return std::nullopt;
    return static_cast<std::uint64_t>(static_cast<double>(now - before) / seconds);
}

/// A function, now and at the look before, if there was one.
struct Look {
    const Watched *function;
    Sample now;
    std::optional<Sample> before;

    [[nodiscard]] double seconds() const {
        return before ? std::chrono::duration<double>(now.when - before->when).count() : 0;
    }
    [[nodiscard]] std::optional<std::uint64_t> read_rate() const {
        return before ? rate(now.read, before->read, seconds()) : std::nullopt;
    }
    [[nodiscard]] std::optional<std::uint64_t> write_rate() const {
        return before ? rate(now.written, before->written, seconds()) : std::nullopt;
    }
    /// What moves is known from the second look on.
    [[nodiscard]] bool has_phase() const { return before || now.phase == "in use"; }
};

std::string per_second(std::optional<std::uint64_t> bytes) {
    return bytes ? human_size(*bytes) + "/s" : "-";
}

std::string picture(const std::vector<Look> &looks) {
    Table table{{"FUNCTION", "PF", "PHASE", ">READ", ">RATE", ">LEFT", ">WRITTEN", ">RATE",
                 ">STOOD", ">ERRORS"}};
    for (const Look &look : looks) {
        const auto left = left_of(look.now.statistics);
        const auto stood = standstill_of(look.now.statistics);
        table.add({look.function->address.text(), look.function->controller,
                   look.has_phase() ? look.now.phase : "-", human_size(look.now.read),
                   per_second(look.read_rate()), left ? human_size(*left) : "-",
                   human_size(look.now.written), per_second(look.write_rate()),
                   stood ? fmt::format("{:.1f} ms", static_cast<double>(*stood) / 1e6) : "-",
                   look.now.errors == 0 ? "0" : bad(with_commas(look.now.errors))});
    }
    return table.text(0);
}

Json or_null(std::optional<std::uint64_t> value) {
    return value ? Json(*value) : Json(nullptr);
}

/// One line for each look.
std::string line(const std::vector<Look> &looks, double seconds) {
    Json json{{"seconds", seconds}, {"functions", Json::array()}};
    for (const Look &look : looks)
        json["functions"].push_back(
            {{"address", look.function->address.text()},
             {"controller", look.function->controller},
             {"cntlid", look.function->cntlid},
             {"phase", look.has_phase() ? Json(printable(look.now.phase)) : Json(nullptr)},
             {"read_bytes", look.now.read},
             {"read_rate", or_null(look.read_rate())},
             {"left_bytes", or_null(left_of(look.now.statistics))},
             {"written_bytes", look.now.written},
             {"write_rate", or_null(look.write_rate())},
             {"standstill_ns", or_null(standstill_of(look.now.statistics))},
             {"commands", look.now.commands},
             {"errors", look.now.errors},
             {"statistics",
              look.now.statistics.empty() ? Json(nullptr) : Json(look.now.statistics)}});
    return json.dump() + '\n';
}

/// Look at all of them once.
std::vector<Look> look_at(const std::vector<Watched> &list,
                          std::map<std::string, Sample> &samples) {
    std::vector<Look> looks;
    for (const Watched &w : list) {
        const auto place = samples.find(w.address.text());
        Look look{.function = &w, .now = {}, .before = {}};
        if (place != samples.end())
            look.before = place->second;
        look.now = take(w, look.before.value_or(Sample{}));
        samples[w.address.text()] = look.now;
        looks.push_back(std::move(look));
    }
    return looks;
}

Exit run(const Options &options) {
    note_interrupts();
    const std::vector<Watched> list = find_watched();
    const bool terminal = is_terminal(STDOUT_FILENO);
    const Clock::time_point start = Clock::now();
    std::map<std::string, Sample> samples;
    for (unsigned round = 0; !was_interrupted() && (options.count == 0 || round < options.count);
         ++round) {
        if (round != 0) {
            ::poll(nullptr, 0, static_cast<int>(std::lround(options.interval * 1000)));
            if (was_interrupted())
                break;
        }
        const std::vector<Look> looks = look_at(list, samples);
        if (options.json)
            print(line(looks, std::chrono::duration<double>(Clock::now() - start).count()));
        else
            print((terminal ? "\x1b[H\x1b[J" : round == 0 ? "" : "\n") + picture(looks));
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
    sub->add_flag("--json", options->json, "As JSON: a line for each look");
    sub->footer("READ and WRITTEN are since the PF was attached. LEFT is what is left of the\n"
                "first pass, STOOD how long the guest stood still for the last migration on\n"
                "this side; they are read from debugfs.\n" +
                examples({{"nvme-lmctl watch", ""},
                          {"nvme-lmctl watch --json --interval 0.2 --count 50 > log", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
