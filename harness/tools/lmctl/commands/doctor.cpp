// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl doctor: is this host ready?
#include "command.hpp"
#include "commands/findings.hpp"
#include "json.hpp"
#include "text/style.hpp"
#include "text/table.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace lm::ctl {

namespace {

struct Options {
    bool json = false;
};

std::string word_of(Grade grade) {
    switch (grade) {
    case Grade::ok:
        return good("ok  ");
    case Grade::note:
        return warn("note");
    case Grade::missing:
        return bad("NO  ");
    }
    return {};
}

void print_text(const Findings &findings) {
    std::string text;
    for (const Finding &f : findings) {
        text += fmt::format("  {}  {:<18} {}\n", word_of(f.grade), f.subject,
                            wrap(f.found, terminal_width(), 27));
        if (!f.remedy.empty())
            text +=
                fmt::format("{:27}{} {}\n", "", bold("->"), wrap(f.remedy, terminal_width(), 30));
    }
    const auto missing = std::ranges::count(findings, Grade::missing, &Finding::grade);
    if (missing == 0)
        text += '\n' + good("This host is ready.") + " Next: nvme-lmctl provision PF --count 1\n";
    else
        text += '\n' +
                bad(fmt::format("This host is not ready: {} to do.",
                                counted(static_cast<std::uint64_t>(missing), "thing"))) +
                '\n';
    print(text);
}

void print_json(const Findings &findings, bool ready) {
    static constexpr const char *words[] = {"ok", "note", "missing"};
    Json json{{"ready", ready}, {"findings", Json::array()}};
    for (const Finding &f : findings)
        json["findings"].push_back({{"key", f.key},
                                    {"subject", f.subject},
                                    {"grade", words[static_cast<std::size_t>(f.grade)]},
                                    {"found", printable(f.found)},
                                    {"remedy", f.remedy}});
    print(json.dump(2) + '\n');
}

Exit run(const Options &options) {
    const KernelConfig config = KernelConfig::load();
    Findings findings;
    examine_host(config, findings);
    examine_controllers(findings);
    examine_vmms(findings);
    const bool ready =
        std::ranges::none_of(findings, [](const Finding &f) { return f.grade == Grade::missing; });
    if (options.json)
        print_json(findings, ready);
    else
        print_text(findings);
    return ready ? Exit::success : Exit::no;
}

} // namespace

void add_doctor(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub =
        app.add_subcommand("doctor", "Is this host ready? Each finding with its remedy");
    sub->add_flag("--json", options->json, "As JSON");
    sub->footer("Exit code: 0 ready, 1 not ready. Controllers are asked as root only.\n" +
                examples({{"nvme-lmctl doctor", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
