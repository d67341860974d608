// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl save FUNCTION FILE: the state of a function into a file or a pipe.
#include "command.hpp"
#include "commands/open_function.hpp"
#include "host/interrupt.hpp"
#include "host/new_file.hpp"
#include "stream/describe.hpp"
#include "stream/inspect.hpp"
#include "text/progress.hpp"
#include "text/style.hpp"

#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>

namespace lm::ctl {

namespace {

struct Options {
    std::string function{}, file{};
    bool force = false;
};

constexpr std::size_t chunk = std::size_t{1} << 20;

/// From the function to @out; how many bytes that were.
std::uint64_t copy_state(OpenFunction &function, int out, const std::string &name) {
    migration::Migration &migration = function.migration;
    Progress progress{"saving", migration.data_size()};
    migration::DataFile state = migration.set_with_file(migration::State::stop_copy);
    Bytes buffer(chunk);
    for (;;) {
        stop_if_interrupted();
        const std::size_t n = state.read_some(buffer);
        if (n == 0)
            break;
        write_all(out, ByteView{buffer}.first(n), name);
        progress.advance(n);
    }
    migration.set(migration::State::stop);
    return progress.done();
}

bool is_pipe(const std::string &file) {
    struct stat info{};
    return ::stat(file.c_str(), &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode));
}

/// Read it back: what is on the disk is what a destination will get.
void verify(int fd, const std::string &file) {
    check(::lseek(fd, 0, SEEK_SET), "cannot rewind " + file);
    const Inspection stream = inspect_stream(source_of(fd));
    if (!stream.valid())
        throw Problem{fmt::format("what was written to {} is no stream that could be loaded", file),
                      "is the disk in order? The file was not kept"};
}

void save_to_file(OpenFunction &function, const Options &options) {
    if (!options.force && ::access(options.file.c_str(), F_OK) == 0)
        throw Problem{fmt::format("{} exists already", options.file),
                      "give another name, or --force to replace it"};
    NewFile file{options.file};
    const std::uint64_t bytes = copy_state(function, file.fd(), options.file);
    verify(file.fd(), options.file);
    file.commit();
    fmt::print(stderr, "saved {} to {}\n", human_size(bytes), options.file);
}

Exit run(const Options &options) {
    const bool to_stdout = options.file == "-";
    if (to_stdout && ::isatty(STDOUT_FILENO))
        throw Problem{"a stream is not for a terminal",
                      "redirect stdout, or give the name of a file", Exit::usage};
    note_interrupts();
    OpenFunction function{find_function(options.function)};
    if (to_stdout) {
        copy_state(function, STDOUT_FILENO, "standard output");
    } else if (is_pipe(options.file)) {
        const UniqueFd pipe = open_file(options.file, O_WRONLY);
        copy_state(function, pipe.get(), options.file);
    } else {
        save_to_file(function, options);
    }
    return Exit::success;
}

} // namespace

void add_save(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub = app.add_subcommand("save", "Save the state of a function to a file or a pipe");
    sub->add_option("FUNCTION", options->function, "A PCI address, or PF/CNTLID")->required();
    sub->add_option("FILE", options->file, "Where to; - for standard output")->required();
    sub->add_flag("--force", options->force, "Replace a file that exists");
    sub->footer(
        "A function can be opened once, and opening it resets it: this is no way around\n"
        "the VMM for the state of a running guest. It shows what a function's state is\n"
        "made of, and tries out a destination.\n\n"
        "The file appears under its name when it is whole, checked and on the disk.\n" +
        examples({{"nvme-lmctl save 0000:01:00.1 vf1.lm", ""},
                  {"nvme-lmctl save 01:00.1 - | ssh other nvme-lmctl restore - 01:00.2", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
