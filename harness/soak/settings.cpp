// SPDX-License-Identifier: GPL-2.0-only
#include "soak/settings.hpp"

#include <cstdlib>
#include <string>

namespace lm::soak {

namespace {

unsigned long number(const char *variable, unsigned long otherwise) {
    const char *text = std::getenv(variable);
    return text && *text ? std::stoul(text) : otherwise;
}

} // namespace

std::uint32_t seed() {
    static const auto value = static_cast<std::uint32_t>(number(
        "SOAK_SEED",
        static_cast<unsigned long>(std::chrono::system_clock::now().time_since_epoch().count())));
    return value ? value : 1;
}

std::chrono::seconds duration() {
    return std::chrono::seconds{number("SOAK_SECONDS", 20)};
}

unsigned migrations() {
    return static_cast<unsigned>(number("SOAK_MIGRATIONS", 4));
}

unsigned writes() {
    return static_cast<unsigned>(number("SOAK_WRITES", 500));
}

} // namespace lm::soak
