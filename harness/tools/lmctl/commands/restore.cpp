// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl restore FILE FUNCTION: a saved state into a function.
#include "command.hpp"
#include "commands/compare.hpp"
#include "commands/description.hpp"
#include "commands/open_function.hpp"
#include "host/interrupt.hpp"
#include "host/new_file.hpp"
#include "stream/inspect.hpp"
#include "text/progress.hpp"
#include "text/style.hpp"

#include <fmt/format.h>
#include <memory>
#include <poll.h>
#include <sys/stat.h>

namespace lm::ctl {

namespace {

struct Options {
    std::string file{}, function{};
    bool hold = false;
};

constexpr std::size_t chunk = std::size_t{1} << 20;

/// What errno a write of the stream, or the end of RESUMING, gives, in words.
std::string meaning_of(int error) {
    switch (error) {
    case EXDEV:
        return "it is of another kind of device, another subsystem or other firmware, or has more "
               "queues or vectors than the function";
    case ENOMEDIUM:
        return "a namespace is attached to one of the two only";
    case EMEDIUMTYPE:
        return "a namespace is not the same, not shared, or has no identifier";
    case EOPNOTSUPP:
        return "the function does not take this command set or state format";
    case ENOMSG:
    case EPROTONOSUPPORT:
    case EPROTO:
    case EILSEQ:
    case EBADMSG:
    case ENODATA:
    case EOVERFLOW:
        return "the stream is damaged, or is none";
    case EFBIG:
        return "the state is larger than nvme_vfio_pci.max_load_mib allows";
    case EREMOTEIO:
        return "the device refused the state";
    default:
        return std::strerror(error);
    }
}

[[noreturn]] void refused(int error, const Options &options) {
    throw Problem{fmt::format("{} did not take the state: {} ({})", options.function,
                              meaning_of(error),
                              strerrorname_np(error) ? strerrorname_np(error) : "unknown errno"),
                  fmt::format("nvme-lmctl check {} {}; the kernel's log has the field",
                              options.file, options.function),
                  Exit::no};
}

/// Before anything is loaded: a file can be looked at, a pipe cannot.
std::uint64_t examine(int fd, const Options &options, const Target &target) {
    struct stat info{};
    check(::fstat(fd, &info), "cannot look at " + options.file);
    if (!S_ISREG(info.st_mode))
        return 0;
    const Inspection stream = inspect_stream(source_of(fd));
    check(::lseek(fd, 0, SEEK_SET), "cannot rewind " + options.file);
    const Json source = describe_source(stream, options.file);
    for (const Point &p : compare(source, describe_function(target)))
        if (p.fit == Fit::differs || p.fit == Fit::not_ready)
            throw Problem{fmt::format("{} does not fit {}: {}: {}", options.file, options.function,
                                      p.title, p.text),
                          fmt::format("nvme-lmctl check {} {}", options.file, options.function),
                          Exit::no};
    return stream.bytes;
}

void load(OpenFunction &function, int fd, std::uint64_t expected, const Options &options) {
    migration::DataFile state = function.migration.set_with_file(migration::State::resuming);
    Progress progress{"restoring", expected};
    const Source source = source_of(fd);
    Bytes buffer(chunk);
    try {
        for (;;) {
            stop_if_interrupted();
            const std::size_t n = source(buffer);
            if (n == 0)
                break;
            write_all(state.fd(), ByteView{buffer}.first(n), "the function");
            progress.advance(n);
        }
        function.migration.set(migration::State::stop);
    } catch (const std::system_error &error) {
        refused(error.code().value(), options);
    }
    fmt::print(stderr, "{} took the state: {}\n", options.function, human_size(progress.done()));
}

Exit run(const Options &options) {
    note_interrupts();
    const bool from_stdin = options.file == "-";
    const UniqueFd file = from_stdin ? UniqueFd{} : open_file(options.file, O_RDONLY);
    const int fd = from_stdin ? STDIN_FILENO : file.get();
    const Target target = find_function(options.function);
    const std::uint64_t expected = examine(fd, options, target);
    OpenFunction function{target};
    load(function, fd, expected, options);
    if (options.hold) {
        fmt::print(stderr, "it is held, stopped, until Ctrl-C\n");
        while (!was_interrupted())
            ::poll(nullptr, 0, -1);
    }
    return Exit::success;
}

} // namespace

void add_restore(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub = app.add_subcommand("restore", "Load a saved state into a function");
    sub->add_option("FILE", options->file, "What `save` wrote; - for standard input")->required();
    sub->add_option("FUNCTION", options->function, "A PCI address, or PF/CNTLID")->required();
    sub->add_flag("--hold", options->hold, "Keep it open and stopped until Ctrl-C");
    sub->footer("A file is compared with the function before anything is loaded. Closing a\n"
                "function resets it, so the state stays as long as this command runs (--hold).\n"
                "Exit code: 0 the device took it, 1 it does not fit, 3 it could not be tried.\n" +
                examples({{"nvme-lmctl restore vf1.lm 0000:01:00.2", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
