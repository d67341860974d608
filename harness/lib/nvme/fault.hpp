// SPDX-License-Identifier: GPL-2.0-only
/// Faults of the emulated PF's admin commands, armed by a test (its property
/// hmlm-faults=on; rig/qemu/README.md has the commands).
#pragma once

#include "nvme/passthrough.hpp"

#include <optional>

namespace lm::nvme {

/// Which commands suffer.
struct FaultMatch {
    Admin opcode;
    std::optional<std::uint8_t> select{}; ///< CDW10[7:0]: SEL, or CNS of Identify
    std::optional<Cntlid> cntlid{};       ///< the controller that the command names
    std::uint32_t first = 1;              ///< the n-th match from now on is the first
    std::uint32_t times = 1;              ///< how many in all; 0: for ever

    [[nodiscard]] FaultMatch of(Cntlid id) const;
    [[nodiscard]] FaultMatch from(std::uint32_t nth) const;
    [[nodiscard]] FaultMatch for_ever() const;
};

/// The commands of live migration, and those that a driver asks before.
namespace on {
inline constexpr FaultMatch suspend{Admin::migration_send, 0};
inline constexpr FaultMatch resume{Admin::migration_send, 1};
inline constexpr FaultMatch set_state{Admin::migration_send, 2};
inline constexpr FaultMatch get_state{Admin::migration_receive, 0};
inline constexpr FaultMatch track_send{Admin::track_send, 1};
inline constexpr FaultMatch track_receive{Admin::track_receive, 0};
inline constexpr FaultMatch identify_controller{Admin::identify, 0x01};
inline constexpr FaultMatch identify_secondaries{Admin::identify, 0x15};
inline constexpr FaultMatch identify_formats{Admin::identify, 0x20};
} // namespace on

/// What they suffer.
struct Fault {
    std::uint8_t action;
    std::uint32_t p = 0;
    std::uint32_t q = 0;

    /// Carried out @ms milliseconds later.
    static Fault delay(std::uint32_t ms);
    /// Suspend: the function is not quiet for @ms more; 0: until Resume or reset.
    static Fault linger(std::uint32_t ms);
    /// CSTS.CFS is set, and the PF does nothing any more until it is reset.
    static Fault controller_fatal();
    /// The command is not completed; the PF reports a persistent internal error,
    /// for which the stock driver resets it.
    static Fault internal_error();
    /// The PF loses its queues, as if its firmware had started anew.
    static Fault reset_itself();
    /// Not carried out, this status instead.
    static Fault status(Status status);
    /// Carried out, and then this status.
    static Fault status_after(Status status);
    /// Not carried out, and never completed.
    static Fault hold();
    /// Carried out, and never completed.
    static Fault hold_after();
    /// Noise from byte @from of the data structure on.
    static Fault garbage(std::uint32_t from = 0, std::uint32_t seed = 1);
    /// @bytes (1 to 4) of the data structure at @offset become @value.
    static Fault poke(std::uint32_t offset, std::uint32_t value, unsigned bytes = 4);
    /// @value is added to 32 bits of the data structure at @offset.
    static Fault add(std::uint32_t offset, std::uint32_t value);
    /// Only the first @bytes of the transfer are written.
    static Fault short_data(std::uint32_t bytes);
    /// Dword 0 of the completion becomes @value where @mask has ones.
    static Fault result(std::uint32_t value, std::uint32_t mask = ~0U);
};

/// The commands themselves.
Sqe arm_fault(const FaultMatch &match, const Fault &fault);
Sqe disarm_fault(std::uint32_t rule);
/// All rules; @release: complete what is held, as aborted.
Sqe disarm_all_faults(bool release = false);
Sqe count_fault(std::uint32_t rule);

/// A fault that is armed as long as this lives.
class ArmedFault {
  public:
    ArmedFault(const Passthrough &pf, const FaultMatch &match, const Fault &fault);
    ArmedFault(const ArmedFault &) = delete;
    ArmedFault &operator=(const ArmedFault &) = delete;
    ~ArmedFault();

    /// How many commands have suffered.
    [[nodiscard]] std::uint32_t fired() const;
    /// How many commands matched, whether they suffered or not.
    [[nodiscard]] std::uint32_t matched() const;

  private:
    const Passthrough &pf_;
    std::uint32_t rule_;
};

} // namespace lm::nvme
