// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/fault.hpp"

namespace lm::nvme {

namespace {
constexpr std::uint8_t arm_opcode = 0xe8;
constexpr std::uint8_t disarm_opcode = 0xec;
constexpr std::uint8_t count_opcode = 0xf0;
constexpr std::uint32_t all_rules = ~0U;
constexpr std::uint32_t any = 1U << 16;

/// As the device model numbers them (rig/qemu/hmlm-fault.c).
enum Action : std::uint8_t {
    action_delay = 1,
    action_linger,
    action_cfs,
    action_event,
    action_reset,
    action_status,
    action_hold,
    action_garbage,
    action_poke,
    action_add,
    action_short,
    action_result,
};

constexpr std::uint32_t status_field(Status status) {
    return status.code | static_cast<std::uint32_t>(status.type) << 8;
}
} // namespace

FaultMatch FaultMatch::of(Cntlid id) const {
    FaultMatch match = *this;
    match.cntlid = id;
    return match;
}

FaultMatch FaultMatch::from(std::uint32_t nth) const {
    FaultMatch match = *this;
    match.first = nth;
    return match;
}

FaultMatch FaultMatch::for_ever() const {
    FaultMatch match = *this;
    match.times = 0;
    return match;
}

Fault Fault::delay(std::uint32_t ms) {
    return {.action = action_delay, .p = ms};
}
Fault Fault::linger(std::uint32_t ms) {
    return {.action = action_linger, .p = ms};
}
Fault Fault::controller_fatal() {
    return {.action = action_cfs};
}
Fault Fault::internal_error() {
    return {.action = action_event};
}
Fault Fault::reset_itself() {
    return {.action = action_reset};
}
Fault Fault::status(Status status) {
    return {.action = action_status, .p = status_field(status)};
}
Fault Fault::status_after(Status status) {
    return {.action = action_status, .p = status_field(status), .q = 1};
}
Fault Fault::hold() {
    return {.action = action_hold};
}
Fault Fault::hold_after() {
    return {.action = action_hold, .p = 1};
}
Fault Fault::garbage(std::uint32_t from, std::uint32_t seed) {
    return {.action = action_garbage, .p = from, .q = seed};
}
Fault Fault::poke(std::uint32_t offset, std::uint32_t value, unsigned bytes) {
    return {.action = action_poke, .p = offset | bytes << 24, .q = value};
}
Fault Fault::add(std::uint32_t offset, std::uint32_t value) {
    return {.action = action_add, .p = offset, .q = value};
}
Fault Fault::short_data(std::uint32_t bytes) {
    return {.action = action_short, .p = bytes};
}
Fault Fault::result(std::uint32_t value, std::uint32_t mask) {
    return {.action = action_result, .p = value, .q = mask};
}

Sqe arm_fault(const FaultMatch &match, const Fault &fault) {
    Sqe sqe{.opcode = arm_opcode};
    sqe.cdw10 = static_cast<std::uint32_t>(match.opcode) |
                (match.select ? static_cast<std::uint32_t>(*match.select) << 8 : any) |
                static_cast<std::uint32_t>(fault.action) << 24;
    sqe.cdw11 = match.cntlid ? match.cntlid->value : any;
    sqe.cdw12 = match.first;
    sqe.cdw13 = match.times;
    sqe.cdw14 = fault.p;
    sqe.cdw15 = fault.q;
    return sqe;
}

Sqe disarm_fault(std::uint32_t rule) {
    return {.opcode = disarm_opcode, .cdw10 = rule};
}

Sqe disarm_all_faults(bool release) {
    return {.opcode = disarm_opcode, .cdw10 = all_rules, .cdw11 = release ? 1U : 0U};
}

Sqe count_fault(std::uint32_t rule) {
    return {.opcode = count_opcode, .cdw10 = rule};
}

ArmedFault::ArmedFault(const Passthrough &pf, const FaultMatch &match, const Fault &fault)
    : pf_{pf}, rule_{static_cast<std::uint32_t>(pf.require(arm_fault(match, fault)).result)} {}

ArmedFault::~ArmedFault() {
    try {
        pf_.submit(disarm_fault(rule_));
    } catch (const std::exception &) {
        // the PF is gone, and with it the rule
    }
}

std::uint32_t ArmedFault::fired() const {
    return static_cast<std::uint32_t>(pf_.require(count_fault(rule_)).result);
}

std::uint32_t ArmedFault::matched() const {
    return static_cast<std::uint32_t>(pf_.require(count_fault(rule_)).result >> 32);
}

} // namespace lm::nvme
