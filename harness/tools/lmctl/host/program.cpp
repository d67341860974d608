// SPDX-License-Identifier: GPL-2.0-only
#include "host/program.hpp"

#include "util/fd.hpp"

#include <array>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

namespace lm::ctl {

namespace {

constexpr std::size_t most_output = 1 << 20;

/// Start it with @out as its stdout; its pid, or nothing.
std::optional<pid_t> start(std::vector<char *> &argv, int out) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? std::optional{pid} : std::nullopt;
}

} // namespace

std::optional<std::string> output_of(const std::vector<std::string> &arguments) {
    std::vector<char *> argv;
    for (const std::string &argument : arguments)
        argv.push_back(const_cast<char *>(argument.c_str()));
    argv.push_back(nullptr);
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "pipe");
    UniqueFd reader{ends[0]};
    UniqueFd writer{ends[1]};
    const std::optional<pid_t> pid = start(argv, writer.get());
    writer.reset();
    if (!pid)
        return std::nullopt;
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t n;
         text.size() < most_output && (n = ::read(reader.get(), buffer.data(), buffer.size())) > 0;)
        text.append(buffer.data(), static_cast<std::size_t>(n));
    reader.reset();
    int status = 0;
    ::waitpid(*pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return std::nullopt;
    return text;
}

} // namespace lm::ctl
