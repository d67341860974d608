// SPDX-License-Identifier: GPL-2.0-only
/// One controller of the plan, with its functions bound to the variant driver.
#pragma once

#include "migration/vfio_migration.hpp"
#include "nvme/driver.hpp"
#include "plan.hpp"
#include "rig/rig.hpp"

#include <memory>

namespace lm::bench {

/// An open function: what a VMM has of it.
class Vf {
  public:
    Vf(rig::Rig &rig, std::size_t n);

    [[nodiscard]] Cntlid cntlid() const { return cntlid_; }
    [[nodiscard]] const pci::Address &address() const { return device_->address(); }
    [[nodiscard]] vfio::Device &device() { return *device_; }
    [[nodiscard]] migration::Migration &migration() { return migration_; }
    /// Reset it: RUNNING, and fit to be a source or a destination.
    void reset() { device_->reset(); }

  private:
    Cntlid cntlid_;
    std::unique_ptr<vfio::Device> device_;
    migration::Migration migration_;
};

/// Functions exist as long as this does.
class Stage {
  public:
    explicit Stage(const Controller &controller, unsigned vfs = 0);

    [[nodiscard]] const Controller &controller() const { return controller_; }
    [[nodiscard]] rig::Rig &rig() { return *rig_; }
    [[nodiscard]] const nvme::Passthrough &pf() const { return rig_->admin(); }
    /// /dev/nvmeN
    [[nodiscard]] const std::string &path() const { return rig_->pf().device; }
    /// Open the n-th function. All are to be gone before the stage.
    Vf open(std::size_t n) { return {*rig_, n}; }

    /// Give a running function device memory of this size; a reset undoes it.
    void resize(const Vf &vf, std::uint64_t memory) const;
    /// Change @blocks blocks of 4 KiB of a function's device memory of @memory bytes, far
    /// from each other, or next to each other.
    void touch(const Vf &vf, std::uint64_t memory, std::uint64_t blocks, bool scattered) const;
    /// Bytes of a function's state as it is now.
    [[nodiscard]] std::uint64_t state_size(Cntlid cntlid) const;

  private:
    Controller controller_;
    std::unique_ptr<rig::Rig> rig_;
};

/// A number of the driver's own about a function's last migration (admin-guide, Statistics).
std::uint64_t statistic(const Vf &vf, const std::string &name);

/// Folder of our modules: RIG_MODULES of the runner.
std::string modules_folder();

} // namespace lm::bench
