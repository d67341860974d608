// SPDX-License-Identifier: GPL-2.0-only
/// The part of a migration that goes on while the guest runs.
#pragma once

#include "transfers.hpp"

namespace lm::bench {

/// A function in PRE_COPY whose first pass was read, and after it all that had changed.
/// @sink gets every byte in order.
using Sink = std::function<void(ByteView)>;

/// Read until the driver has nothing more to give for now.
std::uint64_t read_for_now(migration::DataFile &file, const Buffer &buffer, const Sink &sink);
/// Read the first pass, and then what changes, until nothing more is known to have changed.
std::uint64_t read_until_quiet(migration::DataFile &file, const Buffer &buffer, const Sink &sink);
/// Read to the end of the file, as in STOP_COPY.
std::uint64_t read_to_end(migration::DataFile &file, const Buffer &buffer, const Sink &sink);

/// Whether the function offers PRE_COPY.
bool has_precopy(const migration::Migration &migration);

} // namespace lm::bench
