// SPDX-License-Identifier: GPL-2.0-only
/// Tests of the variant driver's DMA logging; the harness is VMM and guest.
#pragma once

#include "dirty/logging.hpp"
#include "dirty/workload.hpp"
#include "migration/vfio_migration.hpp"
#include "support/guest_test.hpp"

#include <filesystem>

namespace lm::test {

/// Where the harness hands out I/O addresses first: all of a small guest's memory.
inline constexpr MemoryRange window{Iova{0x1'0000'0000}, 64 << 20};

class VfioLogging : public GuestTest {
  protected:
    /// A function with a guest, its account and its log.
    struct Vm {
        Machine &machine;
        Guest &guest;
        Workload work;
        Logging log;
        migration::Migration migration;
    };

    /// Without iommufd the kernel has no bitmaps for a report.
    static bool kernel_can() { return std::filesystem::exists("/dev/iommu"); }

    void SetUp() override {
        if (!kernel_can())
            GTEST_SKIP() << "this kernel has no IOMMUFD, hence no DMA logging";
    }

    Vm vm(std::size_t n) {
        Machine &machine = open(n);
        Guest &guest = boot(machine);
        return {machine, guest, Workload{guest}, Logging{machine.device()},
                migration::Migration{machine.device()}};
    }

    /// The errno of an action that throws std::system_error; 0 when it does not.
    template <typename Action> static int error_of(Action action) {
        try {
            action();
        } catch (const std::system_error &error) {
            return error.code().value();
        }
        return 0;
    }
};

} // namespace lm::test
