// SPDX-License-Identifier: GPL-2.0-only
#include "vfio/backend.hpp"

#include <fmt/format.h>
#include <stdexcept>
#include <unistd.h>

namespace lm::vfio {

BackendKind parse_backend_kind(std::string_view text) {
    if (text == "auto")
        return BackendKind::automatic;
    if (text == "type1")
        return BackendKind::type1;
    if (text == "iommufd")
        return BackendKind::iommufd;
    throw std::invalid_argument{
        fmt::format("--iommu is auto, type1 or iommufd, and '{}' is neither", text)};
}

std::unique_ptr<Backend> make_backend(BackendKind kind) {
    if (kind == BackendKind::automatic)
        kind = ::access("/dev/iommu", F_OK) == 0 ? BackendKind::iommufd : BackendKind::type1;
    return kind == BackendKind::iommufd ? make_iommufd_backend() : make_type1_backend();
}

} // namespace lm::vfio
