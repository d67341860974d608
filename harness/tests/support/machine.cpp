// SPDX-License-Identifier: GPL-2.0-only
#include "support/machine.hpp"

#include <algorithm>

namespace lm::test {

namespace {
// A kernel with one processor has about 200 vectors for all devices together.
constexpr unsigned most_vectors = 16;
} // namespace

Machine::Machine(rig::Rig &rig, std::size_t function) : Machine{rig, rig.function(function)} {}

Machine::Machine(rig::Rig &rig, rig::Function function)
    : function_{std::move(function)}, device_{rig.backend().open(function_.address)},
      interrupts_{std::min(device_->msix_vectors(), most_vectors)} {
    device_->enable_bus_master();
    device_->enable_msix(interrupts_);
}

} // namespace lm::test
