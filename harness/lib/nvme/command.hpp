// SPDX-License-Identifier: GPL-2.0-only
/// Encoders of the commands that a host driver needs. Data pointers are filled
/// in by who sends the command.
#pragma once

#include "nvme/wire.hpp"

namespace lm::nvme {

Sqe identify(Cns cns, Nsid nsid = {}, Cntlid cntlid = {});
Sqe get_feature(Feature feature, std::uint32_t dword11 = 0);
Sqe set_feature(Feature feature, std::uint32_t dword11);
Sqe create_cq(QueueId id, std::uint16_t entries, Iova ring, Vector vector, bool interrupts);
Sqe create_sq(QueueId id, std::uint16_t entries, Iova ring, QueueId cq);
Sqe delete_cq(QueueId id);
Sqe delete_sq(QueueId id);
Sqe async_event_request();
Sqe abort(QueueId sq, Cid cid);
Sqe io(Io opcode, Nsid nsid, Lba lba, std::uint16_t blocks);

/// Actions of Virtualization Management on a secondary controller.
enum class SecondaryAction : std::uint8_t { offline = 7, assign = 8, online = 9 };
/// What is assigned.
enum class ResourceType : std::uint8_t { queues = 0, interrupts = 1 };
Sqe virtualization_management(Cntlid cntlid, SecondaryAction action,
                              ResourceType type = ResourceType::queues, std::uint16_t count = 0);

} // namespace lm::nvme
