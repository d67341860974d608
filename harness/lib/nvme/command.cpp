// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/command.hpp"

namespace lm::nvme {

namespace {
Sqe admin(Admin opcode) {
    return {.opcode = static_cast<std::uint8_t>(opcode)};
}

/// Queue sizes travel as one less than the number of entries.
std::uint32_t queue_dword(QueueId id, std::uint16_t entries) {
    return id.value | static_cast<std::uint32_t>(entries - 1) << 16;
}
} // namespace

Sqe identify(Cns cns, Nsid nsid, Cntlid cntlid) {
    Sqe sqe = admin(Admin::identify);
    sqe.nsid = nsid.value;
    sqe.cdw10 = static_cast<std::uint32_t>(cns) | static_cast<std::uint32_t>(cntlid.value) << 16;
    return sqe;
}

Sqe get_feature(Feature feature, std::uint32_t dword11) {
    Sqe sqe = admin(Admin::get_features);
    sqe.cdw10 = static_cast<std::uint32_t>(feature);
    sqe.cdw11 = dword11;
    return sqe;
}

Sqe set_feature(Feature feature, std::uint32_t dword11) {
    Sqe sqe = admin(Admin::set_features);
    sqe.cdw10 = static_cast<std::uint32_t>(feature);
    sqe.cdw11 = dword11;
    return sqe;
}

Sqe create_cq(QueueId id, std::uint16_t entries, Iova ring, Vector vector, bool interrupts) {
    Sqe sqe = admin(Admin::create_cq);
    sqe.prp1 = ring.value;
    sqe.cdw10 = queue_dword(id, entries);
    sqe.cdw11 = 1U | (interrupts ? 2U : 0U) | static_cast<std::uint32_t>(vector.value) << 16;
    return sqe;
}

Sqe create_sq(QueueId id, std::uint16_t entries, Iova ring, QueueId cq) {
    Sqe sqe = admin(Admin::create_sq);
    sqe.prp1 = ring.value;
    sqe.cdw10 = queue_dword(id, entries);
    sqe.cdw11 = 1U | static_cast<std::uint32_t>(cq.value) << 16;
    return sqe;
}

Sqe delete_cq(QueueId id) {
    Sqe sqe = admin(Admin::delete_cq);
    sqe.cdw10 = id.value;
    return sqe;
}

Sqe delete_sq(QueueId id) {
    Sqe sqe = admin(Admin::delete_sq);
    sqe.cdw10 = id.value;
    return sqe;
}

Sqe async_event_request() {
    return admin(Admin::async_event_request);
}

Sqe abort(QueueId sq, Cid cid) {
    Sqe sqe = admin(Admin::abort);
    sqe.cdw10 = sq.value | static_cast<std::uint32_t>(cid.value) << 16;
    return sqe;
}

Sqe io(Io opcode, Nsid nsid, Lba lba, std::uint16_t blocks) {
    Sqe sqe{.opcode = static_cast<std::uint8_t>(opcode)};
    sqe.nsid = nsid.value;
    sqe.cdw10 = static_cast<std::uint32_t>(lba.value);
    sqe.cdw11 = static_cast<std::uint32_t>(lba.value >> 32);
    sqe.cdw12 = blocks - 1U;
    return sqe;
}

Sqe virtualization_management(Cntlid cntlid, SecondaryAction action, ResourceType type,
                              std::uint16_t count) {
    Sqe sqe = admin(Admin::virtualization_management);
    sqe.cdw10 = static_cast<std::uint32_t>(action) | static_cast<std::uint32_t>(type) << 8 |
                static_cast<std::uint32_t>(cntlid.value) << 16;
    sqe.cdw11 = count;
    return sqe;
}

} // namespace lm::nvme
