// SPDX-License-Identifier: GPL-2.0-only
/// What every command of the tool has, and the list of them.
#pragma once

#include "problem.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace lm::ctl {

/// What the command line asked for: set by the command that was named.
struct Session {
    std::function<Exit()> run{};
};

/// Each adds its subcommand, with options, help and examples; @session.run is set
/// when it is the one that was named.
void add_list(CLI::App &app, Session &session);
void add_show(CLI::App &app, Session &session);
void add_provision(CLI::App &app, Session &session);
void add_release(CLI::App &app, Session &session);
void add_save(CLI::App &app, Session &session);
void add_restore(CLI::App &app, Session &session);
void add_inspect(CLI::App &app, Session &session);
void add_check(CLI::App &app, Session &session);
void add_link(CLI::App &app, Session &session);
void add_watch(CLI::App &app, Session &session);
void add_doctor(CLI::App &app, Session &session);

/// Write text to stdout; throws when it cannot be written.
void print(std::string_view text);

/// "{headline}\n  {examples}": the footer of a command's help.
std::string examples(std::initializer_list<std::pair<std::string_view, std::string_view>> list);

} // namespace lm::ctl
