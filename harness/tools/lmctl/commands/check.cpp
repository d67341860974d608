// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl check SOURCE DEST: would this migrate?
#include "command.hpp"
#include "commands/compare.hpp"
#include "commands/description.hpp"
#include "text/style.hpp"
#include "text/table.hpp"

#include <fmt/format.h>

namespace lm::ctl {

namespace {

struct Options {
    std::string source{}, destination{};
    bool force = false;
    bool json = false;
};

std::string name_in(const Json &description) {
    const Json name = description.value("name", Json{});
    return name.is_string() ? name.get<std::string>() : "unnamed";
}

std::string word_of(Fit fit) {
    switch (fit) {
    case Fit::ok:
        return good("ok  ");
    case Fit::differs:
        return bad("NO  ");
    case Fit::not_ready:
        return warn("todo");
    case Fit::not_known:
        return warn("?   ");
    }
    return "?   ";
}

/// What it comes to.
std::string verdict(const std::vector<Point> &points, bool force) {
    if (fits(points))
        return good("It would migrate.");
    if (fits(points, force))
        return good("It would migrate, as far as is known here (--force).");
    if (std::ranges::any_of(points, [](const Point &p) { return p.fit == Fit::differs; }))
        return bad("It would be refused.");
    return bad(fits(points, true) ? "Not yet: see above what is to be done, or --force."
                                  : "Not yet: see above what is to be done.");
}

void print_text(const std::vector<Point> &points, const std::string &source,
                const std::string &destination, bool force) {
    std::string text = fmt::format("{} to {}\n\n", bold(source), bold(destination));
    for (const Point &p : points)
        text += fmt::format("  {}  {:<18} {}\n", word_of(p.fit), p.title,
                            wrap(p.text, terminal_width(), 27));
    print(text + '\n' + verdict(points, force) + '\n');
}

void print_json(const std::vector<Point> &points, const std::string &source,
                const std::string &destination, bool force) {
    static constexpr const char *words[] = {"ok", "differs", "not ready", "not known"};
    Json json{
        {"source", source}, {"destination", destination}, {"migratable", fits(points, force)}};
    json["points"] = Json::array();
    for (const Point &p : points)
        json["points"].push_back({{"point", p.key},
                                  {"title", p.title},
                                  {"result", words[static_cast<std::size_t>(p.fit)]},
                                  {"may_be_forced", p.safe},
                                  {"text", p.text}});
    print(json.dump(2) + '\n');
}

Exit run(const Options &options) {
    const Json source = resolve_description(options.source);
    const Json destination = resolve_description(options.destination);
    if (destination.value("function", Json{}).is_null())
        throw Problem{fmt::format("{} is a stream, and the destination is to be a function",
                                  options.destination),
                      "nvme-lmctl check SOURCE DEST: the stream comes first", Exit::usage};
    const std::vector<Point> points = compare(source, destination);
    if (options.json)
        print_json(points, name_in(source), name_in(destination), options.force);
    else
        print_text(points, name_in(source), name_in(destination), options.force);
    return fits(points, options.force) ? Exit::success : Exit::no;
}

} // namespace

void add_check(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub = app.add_subcommand("check", "Would this migrate? Each point compared");
    sub->add_option("SOURCE", options->source, "A function, a file of `show --json`, or a stream")
        ->required();
    sub->add_option("DEST", options->destination, "A function, or a file of `show --json`")
        ->required();
    sub->add_flag("--force", options->force,
                  "Overlook what is only not known here, and a destination that is in use; "
                  "never a difference");
    sub->add_flag("--json", options->json, "As JSON");
    sub->footer("Exit code: 0 it would migrate, 1 it would not, 3 cannot tell.\n" +
                examples({{"nvme-lmctl check 0000:01:00.1 0000:01:00.2", ""},
                          {"nvme-lmctl check guest.lm 0000:01:00.2", "a state that was saved"},
                          {"ssh other nvme-lmctl show --json 01:00.1 > other.json", ""},
                          {"nvme-lmctl check 0000:01:00.1 other.json", "between two hosts"}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
