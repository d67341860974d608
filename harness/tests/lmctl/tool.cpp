// SPDX-License-Identifier: GPL-2.0-only
#include "lmctl/tool.hpp"

#include "util/fd.hpp"

#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>

namespace lm::test {

namespace {

struct Pipe {
    UniqueFd reader, writer;
    Pipe() {
        int ends[2];
        check(::pipe2(ends, O_CLOEXEC), "pipe");
        reader = UniqueFd{ends[0]};
        writer = UniqueFd{ends[1]};
    }
};

[[noreturn]] void become(const std::vector<std::string> &arguments, int in, int out, int err) {
    const char *given = std::getenv("NVME_LMCTL");
    std::string program = given ? given : NVME_LMCTL;
    std::vector<char *> argv{program.data()};
    for (const std::string &argument : arguments)
        argv.push_back(const_cast<char *>(argument.c_str()));
    argv.push_back(nullptr);
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
}

/// Append what is there to read; false at the end.
bool drain(int fd, std::string &text) {
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    return n > 0;
}

} // namespace

std::string Outcome::all() const {
    return fmt::format("exit code {}\nstdout:\n{}\nstderr:\n{}", exit, out, err);
}

Outcome tool(const std::vector<std::string> &arguments, const std::string &input) {
    Pipe in, out, err;
    const pid_t pid = check(::fork(), "fork");
    if (pid == 0)
        become(arguments, in.reader.get(), out.writer.get(), err.writer.get());
    in.reader.reset();
    out.writer.reset();
    err.writer.reset();
    // What tests write to the tool fits into a pipe.
    std::ignore = ::write(in.writer.get(), input.data(), input.size());
    in.writer.reset();
    Outcome outcome{};
    std::array<pollfd, 2> open{pollfd{out.reader.get(), POLLIN, 0},
                               pollfd{err.reader.get(), POLLIN, 0}};
    while (open[0].fd >= 0 || open[1].fd >= 0) {
        check(::poll(open.data(), open.size(), -1), "poll");
        for (std::size_t i = 0; i < open.size(); ++i)
            if (open[i].revents != 0 && !drain(open[i].fd, i == 0 ? outcome.out : outcome.err))
                open[i].fd = -1;
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    outcome.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
}

} // namespace lm::test
