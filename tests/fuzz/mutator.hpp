// SPDX-License-Identifier: GPL-2.0-only
/// Changes streams in ways that the CRCs do not give away.
#pragma once

#include "migration/stream.hpp"

#include <functional>
#include <random>

namespace lm::fuzz {

using Random = std::minstd_rand;

/// Changes bytes anyhow; may grow them to the given size.
using Scramble = std::function<void(Bytes &, std::size_t)>;

/// Take bytes apart as far as they look like a stream, believing no length and
/// checking nothing. What does not look like one is left out.
migration::Stream take_apart(ByteView bytes);

/// Change one thing of a stream: a field, a payload, the order or the number of
/// its records.
void mutate(migration::Stream &stream, Random &random, const Scramble &scramble);

/// Take apart, change a few things, and put together with the right numbers,
/// lengths and CRCs, but for those that were changed on purpose.
Bytes mutate(ByteView bytes, Random &random, const Scramble &scramble);

} // namespace lm::fuzz
