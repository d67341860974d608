// SPDX-License-Identifier: GPL-2.0-only
/// Encoders of the live migration commands, written from the reference
/// (NVM Express Base Specification 2.1, Migration Send and Migration Receive).
#pragma once

#include "nvme/wire.hpp"

namespace lm::nvme {

/// STYPE of Suspend.
enum class SuspendType : std::uint8_t { notification = 0, suspend = 1 };

/// SEQIND of Set Controller State.
enum class Sequence : std::uint8_t { middle = 0, first = 1, last = 2, entire = 3 };

/// Where and how a piece of controller state is read or written.
struct StatePiece {
    Cntlid cntlid{};
    ByteOffset offset{};
    std::uint32_t dwords = 0;       ///< 1-based, whatever the wire says
    std::uint8_t version_index = 1; ///< CSVI: 1-based index into the versions of CNS 20h
    std::uint8_t uuid_index = 0;    ///< CSUUIDI: 1-based index into the UUIDs of CNS 20h
};

Sqe suspend(Cntlid cntlid, SuspendType type = SuspendType::suspend);
Sqe resume(Cntlid cntlid);
/// NUMD of Migration Send counts from 1.
Sqe set_controller_state(const StatePiece &piece, Sequence sequence);
/// NUMD of Migration Receive counts from 0.
Sqe get_controller_state(const StatePiece &piece);

/// CSUP in dword 0 of the completion of Get Controller State.
constexpr bool was_suspended(std::uint32_t dw0) {
    return dw0 & 1;
}

} // namespace lm::nvme
