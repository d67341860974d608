// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/wire.hpp"

#include <fmt/format.h>
#include <ostream>
#include <string_view>

namespace lm::nvme {

namespace {
std::string_view name_of(Status s) {
    struct Known {
        Status status;
        std::string_view name;
    };
    static constexpr Known known[] = {
        {status::success, "Success"},
        {status::invalid_opcode, "Invalid Command Opcode"},
        {status::invalid_field, "Invalid Field in Command"},
        {status::command_sequence_error, "Command Sequence Error"},
        {status::invalid_controller_identifier, "Invalid Controller Identifier"},
        {status::invalid_queue_identifier, "Invalid Queue Identifier"},
        {status::not_enough_resources, "Not Enough Resources"},
        {status::controller_suspended, "Controller Suspended"},
        {status::controller_not_suspended, "Controller Not Suspended"},
    };
    for (const Known &k : known)
        if (k.status == s)
            return k.name;
    return "not named here";
}
} // namespace

std::string Status::text() const {
    return fmt::format("SCT {} SC {:02X}h ({})", type, code, name_of(*this));
}

void PrintTo(const Status &status, std::ostream *out) {
    *out << status.text();
}

} // namespace lm::nvme
