// SPDX-License-Identifier: GPL-2.0-only
/// Streams as the driver writes them, to inspect and to spoil.
#pragma once

#include "migration/stream.hpp"
#include "stream/inspect.hpp"

namespace lm::test {

/// A controller state with @pairs queue pairs and @vendor bytes of its device's own.
Bytes sample_state(std::uint16_t pairs = 2, std::size_t vendor = 600);

/// A good stream with two namespaces, that state, and pieces of @piece bytes.
migration::Stream sample_stream(std::uint16_t pairs = 2, std::size_t vendor = 600,
                                std::size_t piece = 256);

/// A good stream of which the state came in passes: a first one, two of some
/// granules, and the last one.
migration::Stream sample_precopy();

/// Inspect bytes.
ctl::Inspection inspect(ByteView bytes);

/// What a failed inspection says, all of it, for messages of tests.
std::string complaints(const ctl::Inspection &stream);

} // namespace lm::test
