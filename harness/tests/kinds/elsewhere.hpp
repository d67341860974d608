// SPDX-License-Identifier: GPL-2.0-only
/// Functions of other controlling controllers than the rig's, opened beside its own.
#pragma once

#include "migration/fixture.hpp"

namespace lm::test {

/// Tests that open functions of several PFs.
class Elsewhere : public MigrationTest {
  protected:
    /// One function of the PF at @address, or the linked one; kept until the end of
    /// the test program's suite.
    static rig::Function one_function(const std::string &address, bool live_migration,
                                      const std::vector<std::string> &linked = {});
    static void TearDownTestSuite() { rigs_.clear(); }

    /// Open a function that is not the rig's in the address space of the rig's.
    Endpoint endpoint_of(const rig::Function &function) {
        Machine &machine = open_function(function);
        return {machine, migration::Migration{machine.device()}};
    }

  private:
    static inline std::vector<std::unique_ptr<rig::Rig>> rigs_;
};

} // namespace lm::test
