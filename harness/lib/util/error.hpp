// SPDX-License-Identifier: GPL-2.0-only
/// Errors are exceptions: std::system_error for an errno, NvmeError for a status.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace lm {

/// Throw std::system_error with an explicit error number.
[[noreturn]] inline void throw_error(int error, std::string_view what) {
    throw std::system_error{error, std::generic_category(), std::string{what}};
}

/// Throw std::system_error with the errno of the call that just failed.
[[noreturn]] inline void throw_errno(std::string_view what) {
    throw_error(errno, what);
}

/// Pass on the result of a system call, or throw what it failed with.
template <typename T> T check(T result, std::string_view what) {
    if (result < 0)
        throw_errno(what);
    return result;
}

} // namespace lm
