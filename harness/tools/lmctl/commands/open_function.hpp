// SPDX-License-Identifier: GPL-2.0-only
/// A function opened through VFIO by this tool.
#pragma once

#include "host/function.hpp"
#include "migration/vfio_migration.hpp"
#include "vfio/backend.hpp"

#include <memory>

namespace lm::ctl {

/// Open it, and make sure that it can be migrated. A Problem says why it cannot.
/// Opening and closing a function resets it.
struct OpenFunction {
    explicit OpenFunction(const Target &target);

    std::unique_ptr<vfio::Backend> backend;
    std::unique_ptr<vfio::Device> device;
    migration::Migration migration;
};

} // namespace lm::ctl
