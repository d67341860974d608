// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl inspect FILE: what is in a migration stream.
#include "stream/inspect.hpp"
#include "command.hpp"
#include "stream/describe.hpp"
#include "util/fd.hpp"

#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>

namespace lm::ctl {

namespace {

struct Options {
    std::string file{};
    bool json = false;
    bool all_queues = false;
};

Inspection read_file(const std::string &file) {
    if (file == "-")
        return inspect_stream(source_of(STDIN_FILENO));
    UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd)
        throw Problem{fmt::format("cannot open {}: {}", file, std::strerror(errno)),
                      "give the name of a file that `nvme-lmctl save` wrote, or - for a pipe"};
    struct stat info{};
    if (::fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode))
        throw Problem{fmt::format("expected a file, and {} is a folder", file),
                      "give the name of a file that `nvme-lmctl save` wrote, or - for a pipe"};
    return inspect_stream(source_of(fd.get()));
}

Exit run(const Options &options) {
    const Inspection stream = read_file(options.file);
    const std::string_view name =
        options.file == "-" ? "standard input" : std::string_view{options.file};
    if (options.json)
        print(stream_to_json(stream, name).dump(2) + '\n');
    else
        print(describe_stream(stream, name, options.all_queues));
    return stream.valid() ? Exit::success : Exit::no;
}

} // namespace

void add_inspect(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub =
        app.add_subcommand("inspect", "Tell what is in a migration stream, and if it is whole");
    sub->add_option("FILE", options->file, "The stream; - for standard input")->required();
    sub->add_flag("--json", options->json, "Everything as JSON");
    sub->add_flag("--all-queues", options->all_queues,
                  "Show every I/O queue, not the first 8 only");
    sub->footer(
        "Needs no privileges, no device and no module, and is safe on files from anybody.\n"
        "Exit code: 0 a stream that could be loaded, 1 one that could not, 3 cannot read.\n" +
        examples({{"nvme-lmctl inspect guest.lm", ""},
                  {"nvme-lmctl inspect --json guest.lm | jq .checks", ""},
                  {"ssh other nvme-lmctl save 0000:01:00.1 - | nvme-lmctl inspect -", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
