// SPDX-License-Identifier: GPL-2.0-only
/// The namespaces of a subsystem and who they are attached to, asked of the
/// controlling controller only.
#pragma once

#include "nvme/passthrough.hpp"

#include <linux/nvme-lm.h>
#include <vector>

namespace lm::ctl {

/// A namespace, and the CNTLIDs that it is attached to.
struct Namespace {
    nvme_lm_medium medium;
    std::vector<std::uint16_t> attached;

    [[nodiscard]] bool attached_to(std::uint16_t cntlid) const;
};

/// All allocated namespaces, by NSID: CNS 10h, 11h, 12h and 03h. At most
/// NVME_LM_STREAM_MAX_MEDIA of them are read.
std::vector<Namespace> read_namespaces(const nvme::Passthrough &admin);

/// Those that a controller has.
std::vector<nvme_lm_medium> media_of(const std::vector<Namespace> &all, std::uint16_t cntlid);

/// Namespace Attachment (15h).
void attach_namespace(const nvme::Passthrough &admin, std::uint32_t nsid, std::uint16_t cntlid);
void detach_namespace(const nvme::Passthrough &admin, std::uint32_t nsid, std::uint16_t cntlid);

} // namespace lm::ctl
