// SPDX-License-Identifier: GPL-2.0-only
/// A stream that was read, told in words and in JSON.
#pragma once

#include "json.hpp"
#include "stream/inspection.hpp"

namespace lm::ctl {

/// For a terminal of 80 columns or more. @name: what the stream is called
std::string describe_stream(const Inspection &stream, std::string_view name, bool all_queues);

/// Everything, with the keys of Documentation/nvme-lmctl.1.
Json stream_to_json(const Inspection &stream, std::string_view name);

/// Parts that other commands tell in the same words.
Json identity_to_json(const nvme_lm_identity &identity);
Json medium_to_json(const nvme_lm_medium &medium);
/// "nguid 8d3c…": the first identifier that it has.
std::string identifier_of(const nvme_lm_medium &medium);

} // namespace lm::ctl
