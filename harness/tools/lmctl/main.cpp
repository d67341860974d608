// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl: see, provision and move NVMe functions that can be migrated.
#include "command.hpp"
#include "nvme/passthrough.hpp"
#include "text/style.hpp"
#include "text/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <map>
#include <numeric>
#include <unistd.h>

#ifndef NVME_LM_VERSION
#define NVME_LM_VERSION "unknown"
#endif

namespace lm::ctl {

void print(std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw Problem{fmt::format("cannot write the output: {}", std::strerror(errno))};
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::string examples(std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
    std::string text = "\nExamples:\n";
    for (const auto &[command, what] : list) {
        text += fmt::format("  {}\n", command);
        if (!what.empty())
            text += fmt::format("      {}\n", what);
    }
    return text;
}

namespace {

void complain(std::string_view cause, std::string_view next) {
    const bool colours = is_terminal(STDERR_FILENO);
    fmt::print(stderr, "nvme-lmctl: {}{}{}\n", colours ? "\x1b[31m" : "", wrap(cause, 80, 12),
               colours ? "\x1b[0m" : "");
    if (!next.empty())
        fmt::print(stderr, "  next: {}\n", wrap(next, 80, 8));
}

/// What helps against an errno of the kernel.
std::string next_step(int error) {
    switch (error) {
    case EACCES:
    case EPERM:
        return "run it as root (sudo nvme-lmctl ...)";
    case EBUSY:
        return "somebody uses it: end its guest, or look with `nvme-lmctl show`";
    case ENODEV:
    case ENXIO:
        return "look what is there with `nvme-lmctl list`, and at the kernel's log";
    default:
        return "look at the kernel's log (dmesg)";
    }
}

/// Run a command; what it throws becomes a message and an exit code.
Exit run(const std::function<Exit()> &command) {
    try {
        return command();
    } catch (const Problem &problem) {
        complain(problem.what(), problem.next());
        return problem.exit();
    } catch (const nvme::NvmeError &error) {
        complain(error.what(), "the controller refused; its firmware or its state is the cause");
    } catch (const std::system_error &error) {
        complain(error.what(), next_step(error.code().value()));
    } catch (const std::exception &error) {
        complain(error.what(), "");
    }
    return Exit::failure;
}

/// Insertions, deletions and replacements that make one word of another.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t corner = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t next =
                std::min({row[j] + 1, row[j + 1] + 1, corner + (a[i] != b[j])});
            corner = std::exchange(row[j + 1], next);
        }
    }
    return row.back();
}

/// What is wrong when the first word is no command, with one that is near; else nothing.
std::string unknown_command(const CLI::App &app, int argc, char **argv) {
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; ++i) {
        const std::string_view option = argv[i];
        if (option == "--color")
            ++i;
        else if (!option.starts_with("--color=") && !app.get_option_no_throw(std::string{option}))
            return fmt::format("there is no option '{}' before the command", printable(option));
    }
    if (i >= argc)
        return {};
    std::string nearest;
    std::size_t best = 3;
    for (const CLI::App *sub : app.get_subcommands([](const CLI::App *) { return true; })) {
        const std::size_t far = distance(argv[i], sub->get_name());
        if (far == 0)
            return {};
        if (far < best) {
            best = far;
            nearest = sub->get_name();
        }
    }
    return fmt::format("there is no command '{}'{}", printable(argv[i]),
                       nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
}

/// Where the explanations begin in the help.
constexpr unsigned help_column = 24;

/// Break the explanations of options so that the help fits into 80 columns.
void fit_help(CLI::App &app) {
    for (CLI::App *sub : app.get_subcommands([](CLI::App *) { return true; }))
        for (CLI::Option *option : sub->get_options())
            option->description(wrap(option->get_description(), 79 - help_column, 0));
}

constexpr const char *description =
    "See, provision and move NVMe functions that can be migrated live.\n";

constexpr const char *footer =
    "A FUNCTION is a PCI address (0000:01:00.1, 01:00.1), or PF/CNTLID (nvme0/3).\n"
    "A PF is a controller's name (nvme0, /dev/nvme0) or its PCI address.\n"
    "\n"
    "Exit codes: 0 done, or yes; 1 no (does not fit, not ready, a bad stream);\n"
    "2 wrong usage; 3 it could not be done.\n"
    "\n"
    "`nvme-lmctl COMMAND --help` has examples; the manual is nvme-lmctl(1).\n";

} // namespace
} // namespace lm::ctl

int main(int argc, char **argv) {
    using namespace lm::ctl;
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app{description, "nvme-lmctl"};
    app.footer(footer);
    app.set_version_flag("-V,--version", "nvme-lmctl " NVME_LM_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    std::string colour = "auto";
    const std::map<std::string, ColourMode> modes{{"auto", ColourMode::automatic},
                                                  {"always", ColourMode::always},
                                                  {"never", ColourMode::never}};
    app.add_option("--color", colour, "Colours: auto (on a terminal), always, never")
        ->check([&modes](const std::string &when) {
            return modes.contains(when) ? "" : "expected auto, always or never, found " + when;
        })
        ->type_name("WHEN");
    app.get_formatter()->column_width(help_column);
    Session session;
    for (auto add : {add_list, add_show, add_doctor, add_provision, add_release, add_save,
                     add_restore, add_inspect, add_check, add_link, add_watch})
        add(app, session);
    fit_help(app);
    if (const std::string wrong = unknown_command(app, argc, argv); !wrong.empty()) {
        complain(wrong, "nvme-lmctl --help lists the commands");
        return static_cast<int>(Exit::usage);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
            return app.exit(error);
        fmt::print(stderr, "nvme-lmctl: {}\n  next: nvme-lmctl {}--help\n", error.what(),
                   app.get_subcommands().empty() ? ""
                                                 : app.get_subcommands().front()->get_name() + " ");
        return static_cast<int>(Exit::usage);
    }
    set_up_style(modes.at(colour));
    return static_cast<int>(run(session.run));
}
