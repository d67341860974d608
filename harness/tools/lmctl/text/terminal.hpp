// SPDX-License-Identifier: GPL-2.0-only
/// What a file descriptor leads to.
#pragma once

#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace lm::ctl {

/// Whether @fd is a terminal that can do more than letters.
inline bool is_terminal(int fd) {
    const char *term = std::getenv("TERM");
    return ::isatty(fd) && term && *term && std::string_view{term} != "dumb";
}

} // namespace lm::ctl
