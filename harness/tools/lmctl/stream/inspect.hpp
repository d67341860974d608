// SPDX-License-Identifier: GPL-2.0-only
/// Reads a migration stream of any size and from anybody, with a few MiB of memory.
#pragma once

#include "stream/inspection.hpp"

#include <functional>

namespace lm::ctl {

/// Fills the span as far as it can and returns how many bytes that were; fewer
/// than asked for only at the end.
using Source = std::function<std::size_t(ByteSpan)>;

/// Read everything that @source gives, and check it. Goes on after a mistake as
/// long as it is known where the next record begins. Does not throw for any
/// content; what @source throws passes through.
Inspection inspect_stream(const Source &source);

/// A source that reads a file descriptor: a file, a pipe, a terminal.
Source source_of(int fd);

} // namespace lm::ctl
