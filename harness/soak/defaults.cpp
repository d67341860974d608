// SPDX-License-Identifier: GPL-2.0-only
#include "rig/modules.hpp"
#include "support/run.hpp"

namespace lm::test {

rig::Options default_options() {
    // two guests, and a function to go to
    return {.vfs = 3, .driver = rig::variant_driver};
}

} // namespace lm::test
