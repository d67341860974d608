// SPDX-License-Identifier: GPL-2.0-only
/// A file that is there whole or not at all.
#pragma once

#include "util/bytes.hpp"
#include "util/fd.hpp"

#include <string>

namespace lm::ctl {

/// Written under a temporary name in the same folder. Only commit() gives it its own
/// name, after everything is on the disk; else it vanishes.
class NewFile {
  public:
    explicit NewFile(std::string path);
    NewFile(const NewFile &) = delete;
    NewFile &operator=(const NewFile &) = delete;
    ~NewFile();

    [[nodiscard]] int fd() const { return fd_.get(); }
    void commit();

  private:
    std::string path_, temporary_;
    UniqueFd fd_;
};

/// Write all of @bytes; throws std::system_error.
void write_all(int fd, ByteView bytes, const std::string &name);

} // namespace lm::ctl
