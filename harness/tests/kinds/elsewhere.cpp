// SPDX-License-Identifier: GPL-2.0-only
#include "kinds/elsewhere.hpp"

namespace lm::test {

rig::Function Elsewhere::one_function(const std::string &address, bool live_migration,
                                      const std::vector<std::string> &linked) {
    rig::Options options = the_rig().options();
    options.pf = address;
    options.vfs = 1;
    options.live_migration = live_migration;
    options.linked = linked;
    rigs_.push_back(std::make_unique<rig::Rig>(options));
    return rigs_.back()->function(0);
}

} // namespace lm::test
