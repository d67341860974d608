// SPDX-License-Identifier: GPL-2.0-only
/// The steps from a PF to a function that can be given to a guest, and back.
#pragma once

#include "host/function.hpp"
#include "host/undo.hpp"

namespace lm::ctl {

/// What a function is to have.
struct Wanted {
    std::optional<unsigned> queues;        ///< I/O queue pairs, without the admin queue
    std::optional<unsigned> interrupts;    ///< vectors
    std::vector<std::uint32_t> namespaces; ///< to be attached, besides those that are
    bool no_others = false;                ///< and all others detached
    std::string driver;
};

/// Make at least @count VFs, unless they are there. The stock driver is kept off them.
void create_vfs(const Controller &pf, unsigned count, Undo &undo);

/// Take all VFs away.
void remove_vfs(const Controller &pf);

/// Give VF @number of the PF what it is to have, bring it online and bind it.
/// What is in order already is left alone. Says each step on stderr.
void provision_vf(const Controller &pf, const nvme::Passthrough &admin, unsigned number,
                  const Wanted &wanted, Undo &undo);

/// Unbind it, take it offline, and give its resources back.
void release_vf(const Controller &pf, const nvme::Passthrough &admin, const Function &function);

} // namespace lm::ctl
