// SPDX-License-Identifier: GPL-2.0-only
#include "stream/inspection.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace lm::ctl {

namespace {

struct CheckName {
    std::string_view key, title;
};

constexpr CheckName names[] = {
    {"header", "header: magic, version, CRC"},
    {"record_headers", "every record's header and its CRC"},
    {"payloads", "every payload's CRC"},
    {"sequence", "sequence numbers"},
    {"order", "records: kinds and order"},
    {"contents", "payload sizes, reserved fields"},
    {"media", "media can be told apart, and shared"},
    {"continuity", "pieces of state follow each other"},
    {"digest", "digest of the state in its end form"},
    {"end", "end: there, right size, nothing follows"},
    {"stream_crc", "CRC of the whole stream"},
    {"state", "controller state: sizes, queues"},
};
static_assert(std::size(names) == static_cast<std::size_t>(Check::count));

} // namespace

void Inspection::fail(Check check, std::uint64_t at, std::string detail) {
    Outcome &o = outcome(check);
    if (o.failures++ == 0) {
        o.verdict = Verdict::bad;
        o.detail = std::move(detail);
        o.at = at;
    }
}

bool Inspection::valid() const {
    return std::ranges::all_of(outcomes, [](const Outcome &o) {
        return o.verdict == Verdict::ok || o.verdict == Verdict::not_applicable;
    });
}

std::string_view title_of(Check check) {
    return names[static_cast<std::size_t>(check)].title;
}

std::string_view key_of(Check check) {
    return names[static_cast<std::size_t>(check)].key;
}

std::string name_of_record(std::uint16_t type) {
    switch (type) {
    case NVME_LM_REC_IDENTITY:
        return "IDENTITY";
    case NVME_LM_REC_FORMAT:
        return "FORMAT";
    case NVME_LM_REC_MEDIUM:
        return "MEDIUM";
    case NVME_LM_REC_PRECOPY:
        return "PRECOPY";
    case NVME_LM_REC_STATE:
        return "STATE";
    case NVME_LM_REC_DIGEST:
        return "DIGEST";
    case NVME_LM_REC_END:
        return "END";
    default:
        return fmt::format("type {:#06x}", type);
    }
}

std::string name_of_command_set(std::uint16_t command_set) {
    switch (command_set) {
    case NVME_LM_CS_STANDARD:
        return "standard";
    case NVME_LM_CS_IPU:
        return "ipu";
    case NVME_LM_CS_CONTROL_PAGE:
        return "control_page";
    default:
        return fmt::format("unknown {:#x}", command_set);
    }
}

} // namespace lm::ctl
