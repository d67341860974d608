// SPDX-License-Identifier: GPL-2.0-only
#include "host/new_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace lm::ctl {

namespace {

UniqueFd make_temporary(std::string &name) {
    return UniqueFd{check(::mkostemp(name.data(), O_CLOEXEC), "cannot make the file " + name)};
}

} // namespace

NewFile::NewFile(std::string path)
    : path_{std::move(path)}, temporary_{path_ + ".XXXXXX"}, fd_{make_temporary(temporary_)} {}

NewFile::~NewFile() {
    if (!temporary_.empty())
        ::unlink(temporary_.c_str());
}

void NewFile::commit() {
    check(::fsync(fd()), "cannot write " + temporary_ + " to the disk");
    check(::rename(temporary_.c_str(), path_.c_str()), "cannot rename to " + path_);
    temporary_.clear();
    // The new name is safe only once its folder is on the disk.
    const std::filesystem::path folder = std::filesystem::path{path_}.parent_path();
    const UniqueFd directory =
        open_file(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
    check(::fsync(directory.get()), "cannot write the folder of " + path_ + " to the disk");
}

void write_all(int fd, ByteView bytes, const std::string &name) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR)
            continue;
        bytes = bytes.subspan(static_cast<std::size_t>(check(n, "cannot write to " + name)));
    }
}

} // namespace lm::ctl
