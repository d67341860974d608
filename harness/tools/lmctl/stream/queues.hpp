// SPDX-License-Identifier: GPL-2.0-only
/// Reads the part of a controller state that is the same for all devices: its
/// header, and the I/O queues of NVMECS version 0.
#pragma once

#include "stream/inspection.hpp"

namespace lm::ctl {

/// Read @head, the first bytes of a state that is @size bytes long, and note in
/// @out.state and the check "state" what was found.
void read_controller_state(ByteView head, std::uint64_t size, Inspection &out);

} // namespace lm::ctl
