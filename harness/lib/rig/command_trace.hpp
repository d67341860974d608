// SPDX-License-Identifier: GPL-2.0-only
/// The admin commands that nvme-lm.ko issues, by its trace event.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lm::rig {

/// What the event says of a command.
struct TracedCommand {
    std::uint16_t cntlid;
    std::uint8_t opcode;
    std::uint8_t select;
    std::uint64_t offset;
    std::uint32_t bytes;
    bool ok;
};

/// Traces in a buffer of its own from construction to destruction.
class CommandTrace {
  public:
    CommandTrace();
    CommandTrace(const CommandTrace &) = delete;
    CommandTrace &operator=(const CommandTrace &) = delete;
    ~CommandTrace();

    /// What was issued since the last call.
    std::vector<TracedCommand> take();

  private:
    std::filesystem::path instance_;
};

/// The command that a line of the trace tells of; @line has "nvme_lm_command:".
TracedCommand parse_traced_command(const std::string &line);

} // namespace lm::rig
