// SPDX-License-Identifier: GPL-2.0-only
#include "rig/command_trace.hpp"

#include "util/error.hpp"
#include "util/sysfs.hpp"

#include <fmt/format.h>
#include <fstream>
#include <stdexcept>
#include <sys/mount.h>
#include <unistd.h>

namespace lm::rig {

namespace {

namespace fs = std::filesystem;

fs::path tracefs() {
    const fs::path where = "/sys/kernel/tracing";
    if (!fs::exists(where / "instances"))
        check(::mount("tracefs", where.c_str(), "tracefs", 0, nullptr),
              "cannot mount tracefs on " + where.string());
    return where;
}

/// The number after "NAME=".
std::uint64_t number(const std::string &line, const std::string &name) {
    const std::size_t at = line.find(name + "=");
    if (at == std::string::npos)
        throw std::runtime_error{
            fmt::format("expected '{}=' in the line '{}' of the trace", name, line)};
    return std::stoull(line.substr(at + name.size() + 1), nullptr, 0);
}

} // namespace

TracedCommand parse_traced_command(const std::string &line) {
    return {.cntlid = static_cast<std::uint16_t>(number(line, "cntlid")),
            .opcode = static_cast<std::uint8_t>(number(line, "opcode")),
            .select = static_cast<std::uint8_t>(number(line, "sel")),
            .offset = number(line, "offset"),
            .bytes = static_cast<std::uint32_t>(number(line, "len")),
            .ok = line.find("status=0x0 ") != std::string::npos ||
                  line.find("status=0 ") != std::string::npos};
}

CommandTrace::CommandTrace()
    : instance_{tracefs() / "instances" / fmt::format("nvme-lm-{}", ::getpid())} {
    fs::create_directory(instance_);
    sysfs::write(instance_ / "buffer_size_kb", "8192");
    sysfs::write(instance_ / "events/nvme_lm/nvme_lm_command/enable", "1");
}

CommandTrace::~CommandTrace() {
    ::rmdir(instance_.c_str());
}

std::vector<TracedCommand> CommandTrace::take() {
    std::vector<TracedCommand> commands;
    std::ifstream file{instance_ / "trace"};
    for (std::string line; std::getline(file, line);)
        if (line.find("nvme_lm_command:") != std::string::npos)
            commands.push_back(parse_traced_command(line));
    std::ofstream{instance_ / "trace", std::ios::trunc}; // empties the buffer
    return commands;
}

} // namespace lm::rig
