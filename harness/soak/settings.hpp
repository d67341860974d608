// SPDX-License-Identifier: GPL-2.0-only
/// What rig/soak asks for, by environment variables.
#pragma once

#include <chrono>
#include <cstdint>

namespace lm::soak {

/// SOAK_SEED: what every random choice comes from; the clock's if it is not set.
std::uint32_t seed();
/// SOAK_SECONDS: how long to walk.
std::chrono::seconds duration();
/// SOAK_MIGRATIONS: how many migrations from A to B and back.
unsigned migrations();
/// SOAK_WRITES: how many writes of damaged streams.
unsigned writes();

} // namespace lm::soak
