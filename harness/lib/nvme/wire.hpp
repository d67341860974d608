// SPDX-License-Identifier: GPL-2.0-only
/// What travels between host and controller (NVM Express Base Specification).
#pragma once

#include "util/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace lm::nvme {

/// A submission queue entry.
struct Sqe {
    std::uint8_t opcode = 0;
    std::uint8_t flags = 0;
    std::uint16_t cid = 0;
    std::uint32_t nsid = 0;
    std::uint32_t cdw2 = 0;
    std::uint32_t cdw3 = 0;
    std::uint64_t mptr = 0;
    std::uint64_t prp1 = 0;
    std::uint64_t prp2 = 0;
    std::uint32_t cdw10 = 0;
    std::uint32_t cdw11 = 0;
    std::uint32_t cdw12 = 0;
    std::uint32_t cdw13 = 0;
    std::uint32_t cdw14 = 0;
    std::uint32_t cdw15 = 0;
};
static_assert(sizeof(Sqe) == 64 && offsetof(Sqe, prp1) == 24 && offsetof(Sqe, cdw10) == 40);

/// A status code type and status code.
struct Status {
    std::uint8_t type = 0;
    std::uint8_t code = 0;

    [[nodiscard]] constexpr bool ok() const { return type == 0 && code == 0; }
    friend constexpr bool operator==(Status, Status) = default;
    /// For messages, e.g. "SCT 1 SC 39h (Controller Suspended)".
    [[nodiscard]] std::string text() const;
};

/// What GoogleTest prints for a status.
void PrintTo(const Status &status, std::ostream *out);

/// A completion queue entry.
struct Cqe {
    std::uint32_t dw0 = 0;
    std::uint32_t dw1 = 0;
    std::uint16_t sq_head = 0;
    std::uint16_t sq_id = 0;
    std::uint16_t cid = 0;
    std::uint16_t status_and_phase = 0;

    [[nodiscard]] constexpr bool phase() const { return status_and_phase & 1; }
    [[nodiscard]] constexpr Status status() const {
        return {static_cast<std::uint8_t>(status_and_phase >> 9 & 7),
                static_cast<std::uint8_t>(status_and_phase >> 1 & 0xff)};
    }
};
static_assert(sizeof(Cqe) == 16);

/// Status codes that the tests name.
namespace status {
inline constexpr Status success{0, 0x00};
inline constexpr Status invalid_opcode{0, 0x01};
inline constexpr Status invalid_field{0, 0x02};
inline constexpr Status aborted_by_request{0, 0x07};
inline constexpr Status command_sequence_error{0, 0x0c};
inline constexpr Status invalid_queue_identifier{1, 0x01};
inline constexpr Status aer_limit_exceeded{1, 0x05};
// Command specific, as libnvme has it (generic 1Fh is about queues in a controller memory buffer).
inline constexpr Status invalid_controller_identifier{1, 0x1f};
inline constexpr Status not_enough_resources{1, 0x38};
inline constexpr Status controller_suspended{1, 0x39};
inline constexpr Status controller_not_suspended{1, 0x3a};
} // namespace status

/// Admin command opcodes.
enum class Admin : std::uint8_t {
    delete_sq = 0x00,
    create_sq = 0x01,
    delete_cq = 0x04,
    create_cq = 0x05,
    identify = 0x06,
    abort = 0x08,
    set_features = 0x09,
    get_features = 0x0a,
    async_event_request = 0x0c,
    namespace_attachment = 0x15,
    virtualization_management = 0x1c,
    track_send = 0x3d,
    track_receive = 0x3e,
    migration_send = 0x41,
    migration_receive = 0x42,
    controller_data_queue = 0x45,
    doorbell_buffer_config = 0x7c,
};

/// NVM command set opcodes.
enum class Io : std::uint8_t { flush = 0x00, write = 0x01, read = 0x02 };

/// Feature identifiers.
enum class Feature : std::uint8_t {
    arbitration = 0x01,
    temperature_threshold = 0x04,
    volatile_write_cache = 0x06,
    number_of_queues = 0x07,
    interrupt_coalescing = 0x08,
    interrupt_vector_configuration = 0x09,
    async_event_configuration = 0x0b,
    timestamp = 0x0e,
};

/// CNS values of Identify.
enum class Cns : std::uint8_t {
    namespace_nvm = 0x00,
    controller = 0x01,
    active_namespaces = 0x02,
    namespace_descriptors = 0x03,
    primary_controller = 0x14,
    secondary_controllers = 0x15,
    controller_state_formats = 0x20,
};

/// Controller registers, offsets in BAR 0.
namespace reg {
inline constexpr std::size_t cap = 0x00;
inline constexpr std::size_t vs = 0x08;
inline constexpr std::size_t intms = 0x0c;
inline constexpr std::size_t intmc = 0x10;
inline constexpr std::size_t cc = 0x14;
inline constexpr std::size_t csts = 0x1c;
inline constexpr std::size_t aqa = 0x24;
inline constexpr std::size_t asq = 0x28;
inline constexpr std::size_t acq = 0x30;
inline constexpr std::size_t doorbells = 0x1000;
} // namespace reg

inline constexpr std::uint32_t cc_enable = 1U << 0;
/// 64-byte submission and 16-byte completion entries, 4 KiB pages, NVM command set.
inline constexpr std::uint32_t cc_defaults = 6U << 16 | 4U << 20;
inline constexpr std::uint32_t csts_ready = 1U << 0;
inline constexpr std::uint32_t csts_fatal = 1U << 1;

} // namespace lm::nvme
