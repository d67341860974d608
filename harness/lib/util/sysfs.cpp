// SPDX-License-Identifier: GPL-2.0-only
#include "util/sysfs.hpp"

#include "util/fd.hpp"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>

extern char **environ;

namespace lm::sysfs {

std::string read(const std::filesystem::path &path) {
    UniqueFd fd = open_file(path, O_RDONLY);
    std::array<char, 4096> buffer;
    const ssize_t n =
        check(::read(fd.get(), buffer.data(), buffer.size()), "cannot read " + path.string());
    std::string text{buffer.data(), static_cast<std::size_t>(n)};
    text.erase(text.find_last_not_of(" \n") + 1);
    return text;
}

void write(const std::filesystem::path &path, std::string_view value) {
    UniqueFd fd = open_file(path, O_WRONLY);
    check(::write(fd.get(), value.data(), value.size()),
          fmt::format("cannot write '{}' to {}", value, path.string()));
}

} // namespace lm::sysfs

namespace lm {

void run_program(const std::vector<std::string> &arguments) {
    std::vector<char *> argv;
    for (const std::string &argument : arguments)
        argv.push_back(const_cast<char *>(argument.c_str()));
    argv.push_back(nullptr);

    pid_t pid;
    if (int error = ::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ))
        throw_error(error, "cannot start " + arguments.at(0));

    int status;
    check(::waitpid(pid, &status, 0), "waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw std::runtime_error{
            fmt::format("'{}' failed with wait status {:#x}", fmt::join(arguments, " "), status)};
}

} // namespace lm
