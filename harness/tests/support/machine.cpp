// SPDX-License-Identifier: GPL-2.0-only
#include "support/machine.hpp"

namespace lm::test {

Machine::Machine(rig::Rig &rig, std::size_t function)
    : function_{rig.function(function)}, device_{rig.backend().open(function_.address)},
      interrupts_{device_->msix_vectors()} {
    device_->enable_bus_master();
    device_->enable_msix(interrupts_);
}

} // namespace lm::test
