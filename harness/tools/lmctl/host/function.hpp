// SPDX-License-Identifier: GPL-2.0-only
/// Controlled functions: which there are, and which PCI function each one is.
#pragma once

#include "host/controller.hpp"
#include "host/namespaces.hpp"

namespace lm::ctl {

enum class Kind {
    vf,      ///< a virtual function of the controlling one
    linked,  ///< another function, as the administrator has said (nvme-lmctl link)
    unknown, ///< an entry of the list of which nobody has said which function it is
};
std::string_view name_of(Kind kind);

/// One entry of the Secondary Controller List, with what the host knows of it.
struct Function {
    std::uint16_t cntlid;
    std::uint16_t primary;
    Kind kind;
    std::uint16_t vf_number; ///< 1-based; 0: not a VF
    bool online;
    std::uint16_t queues;
    std::uint16_t interrupts;
    std::optional<pci::Address> address; ///< none while SR-IOV has not made it
    std::string driver;                  ///< empty: none
    std::vector<std::uint32_t> namespaces;

    /// The address, or "CNTLID 3".
    [[nodiscard]] std::string name() const;
};

/// A controlling controller and all it controls.
struct Domain {
    Controller controller;
    ControllerData data;
    std::vector<Function> functions; ///< by VF number, then CNTLID
    std::vector<Namespace> namespaces;
};

/// Ask one controller. Without live migration or secondary controllers there are no functions.
Domain read_domain(const Controller &controller, const nvme::Passthrough &admin);

/// A function that was named on the command line, with its controlling side.
struct Target {
    Domain domain;
    nvme::Passthrough admin;
    std::size_t index;

    [[nodiscard]] const Function &function() const { return domain.functions[index]; }
};

/// Find the function that @text names: 0000:01:00.1, 01:00.1, or nvme0/3 (a CNTLID).
Target find_function(const std::string &text);

/// The function's PCI address; a Problem where it has none.
const pci::Address &address_of(const Function &function);

/// The identity that a migration stream of this function would have.
nvme_lm_identity identity_of(const Domain &domain, const Function &function);

} // namespace lm::ctl
