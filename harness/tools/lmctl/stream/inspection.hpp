// SPDX-License-Identifier: GPL-2.0-only
/// What is known of a migration stream after it was read.
#pragma once

#include "nvme/controller_state.hpp"
#include "util/bytes.hpp"

#include <array>
#include <linux/nvme-lm.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lm::ctl {

/// What is checked, in the order in which it is told.
enum class Check : std::size_t {
    header,         ///< magic, version, length, flags, CRC
    record_headers, ///< the CRC and the fields of each record's header
    payloads,       ///< the CRC of each payload
    sequence,       ///< sequence numbers
    order,          ///< which records there are, and in which order
    contents,       ///< sizes and reserved fields of the payloads
    media,          ///< NSIDs, and that each can be told from all others
    continuity,     ///< the offsets of the pieces of state
    digest,         ///< of a state that came in passes: is it the one that was meant
    end,            ///< END is there, has the right size, and nothing follows
    stream_crc,     ///< the CRC over everything
    state,          ///< the controller state makes sense
    count,
};

enum class Verdict { not_reached, not_applicable, ok, bad };

/// The outcome of one check.
struct Outcome {
    Verdict verdict = Verdict::not_reached;
    std::string detail{};       ///< of what was wrong first
    std::uint64_t at = 0;       ///< the byte of the stream where that was
    std::uint64_t failures = 0; ///< how often something was wrong
};

/// Records of one type that follow each other.
struct RecordRun {
    std::uint16_t type;
    std::uint16_t flags;
    std::uint64_t first; ///< the place of the first in the stream, in records
    std::uint64_t count;
    std::uint64_t at; ///< the byte of the stream where the first one begins
    std::uint64_t payload_bytes;
};

/// How the state came.
struct StateTransfer {
    std::uint64_t pieces = 0;
    std::uint64_t bytes = 0;        ///< in all pieces together
    std::uint64_t size = 0;         ///< where the furthest piece ends
    std::uint64_t first_pass = 0;   ///< bytes until something came for a second time
    std::uint64_t later_passes = 0; ///< how often it began anew after that
    std::uint64_t largest_piece = 0;
};

/// A controller state of the standard, as far as anybody but its device can read it.
struct ControllerStateView {
    std::uint16_t version = 0;
    bool suspended = false;
    std::uint64_t nvmecs_bytes = 0;
    std::uint64_t vendor_bytes = 0;
    std::uint16_t nvmecs_version = 0;
    bool queues_read = false; ///< false: a version, or a state, that is not understood
    std::vector<nvme::SqState> sqs{};
    std::vector<nvme::CqState> cqs{};
};

/// Everything.
struct Inspection {
    std::uint64_t bytes = 0; ///< that were read
    std::uint64_t records = 0;
    std::optional<nvme_lm_stream_header> header{};
    std::optional<nvme_lm_identity> identity{};
    std::optional<nvme_lm_format> format{};
    std::vector<nvme_lm_medium> media{};
    std::optional<nvme_lm_precopy> precopy{};
    std::optional<nvme_lm_digest> digest{};
    std::optional<nvme_lm_end> end{};
    std::vector<RecordRun> runs{};
    std::uint64_t runs_left_out = 0;
    StateTransfer transfer{};
    std::optional<ControllerStateView> state{};
    std::array<Outcome, static_cast<std::size_t>(Check::count)> outcomes{};

    [[nodiscard]] Outcome &outcome(Check check) {
        return outcomes[static_cast<std::size_t>(check)];
    }
    [[nodiscard]] const Outcome &outcome(Check check) const {
        return outcomes[static_cast<std::size_t>(check)];
    }
    /// Note that a check failed, at a byte of the stream.
    void fail(Check check, std::uint64_t at, std::string detail);
    /// Whether a destination could believe this stream.
    [[nodiscard]] bool valid() const;
};

/// What a check is about, in a few words.
std::string_view title_of(Check check);
/// One word for JSON.
std::string_view key_of(Check check);
/// "MEDIUM"; a number for what is not known.
std::string name_of_record(std::uint16_t type);
/// "standard", as nvme-lm.ko spells it in sysfs.
std::string name_of_command_set(std::uint16_t command_set);

} // namespace lm::ctl
