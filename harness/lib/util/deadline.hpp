// SPDX-License-Identifier: GPL-2.0-only
/// Waiting with a limit.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace lm {

/// How long the harness waits for anything the emulated device does.
inline constexpr std::chrono::seconds patience{20};

/// What a wait that ended without its event throws.
class Timeout : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Poll @done until it is true, or throw Timeout naming @what was waited for.
template <typename Done>
void wait_until(Done done, const std::string &what, std::chrono::milliseconds limit = patience) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (unsigned round = 0; !done(); ++round) {
        if (std::chrono::steady_clock::now() > end)
            throw Timeout{"waited " + std::to_string(limit.count()) + " ms for " + what};
        if (round > 64)
            std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
}

} // namespace lm
