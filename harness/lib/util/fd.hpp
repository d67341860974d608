// SPDX-License-Identifier: GPL-2.0-only
/// A file descriptor that is closed by its owner.
#pragma once

#include "util/error.hpp"

#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace lm {

/// Owns one file descriptor; -1 means none.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) noexcept : fd_{fd} {}
    UniqueFd(UniqueFd &&other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    UniqueFd &operator=(UniqueFd &&other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    UniqueFd(const UniqueFd &) = delete;
    UniqueFd &operator=(const UniqueFd &) = delete;
    ~UniqueFd() { reset(); }

    /// Close now rather than at the end of life.
    void reset() noexcept {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

    [[nodiscard]] int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

/// Open @path, or throw with the path in the message.
inline UniqueFd open_file(const std::string &path, int flags) {
    return UniqueFd{check(::open(path.c_str(), flags | O_CLOEXEC), "cannot open " + path)};
}

} // namespace lm
