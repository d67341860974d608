// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/lm_command.hpp"

namespace lm::nvme {

namespace {
enum class SendSelect : std::uint8_t { suspend = 0, resume = 1, set_controller_state = 2 };

Sqe migration_send(SendSelect select, Cntlid cntlid) {
    Sqe sqe{.opcode = static_cast<std::uint8_t>(Admin::migration_send)};
    sqe.cdw10 = static_cast<std::uint32_t>(select);
    sqe.cdw11 = cntlid.value;
    return sqe;
}

void put_offset(Sqe &sqe, ByteOffset offset) {
    sqe.cdw12 = static_cast<std::uint32_t>(offset.value);
    sqe.cdw13 = static_cast<std::uint32_t>(offset.value >> 32);
}
} // namespace

Sqe suspend(Cntlid cntlid, SuspendType type) {
    Sqe sqe = migration_send(SendSelect::suspend, cntlid);
    sqe.cdw11 |= static_cast<std::uint32_t>(type) << 16;
    return sqe;
}

Sqe resume(Cntlid cntlid) {
    return migration_send(SendSelect::resume, cntlid);
}

Sqe set_controller_state(const StatePiece &piece, Sequence sequence) {
    Sqe sqe = migration_send(SendSelect::set_controller_state, piece.cntlid);
    sqe.cdw10 |= static_cast<std::uint32_t>(sequence) << 16;
    sqe.cdw11 |= static_cast<std::uint32_t>(piece.version_index) << 16 |
                 static_cast<std::uint32_t>(piece.uuid_index) << 24;
    put_offset(sqe, piece.offset);
    sqe.cdw15 = piece.dwords;
    return sqe;
}

Sqe get_controller_state(const StatePiece &piece) {
    Sqe sqe{.opcode = static_cast<std::uint8_t>(Admin::migration_receive)};
    sqe.cdw10 = static_cast<std::uint32_t>(piece.version_index) << 16;
    sqe.cdw11 = piece.cntlid.value | static_cast<std::uint32_t>(piece.uuid_index) << 16;
    put_offset(sqe, piece.offset);
    sqe.cdw15 = piece.dwords - 1;
    return sqe;
}

} // namespace lm::nvme
