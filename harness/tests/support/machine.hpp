// SPDX-License-Identifier: GPL-2.0-only
/// What a VMM does for a guest: holds a function open and routes its interrupts.
#pragma once

#include "rig/rig.hpp"
#include "vfio/device.hpp"

namespace lm::test {

/// An open function that may reach memory. Opening it resets it.
class Machine {
  public:
    Machine(rig::Rig &rig, std::size_t function);
    /// The same with a function that is not the rig's.
    Machine(rig::Rig &rig, rig::Function function);

    [[nodiscard]] const rig::Function &function() const { return function_; }
    [[nodiscard]] Cntlid cntlid() const { return function_.cntlid; }
    [[nodiscard]] vfio::Device &device() { return *device_; }
    [[nodiscard]] vfio::Interrupts &interrupts() { return interrupts_; }

  private:
    rig::Function function_;
    std::unique_ptr<vfio::Device> device_;
    vfio::Interrupts interrupts_;
};

} // namespace lm::test
