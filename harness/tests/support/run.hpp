// SPDX-License-Identifier: GPL-2.0-only
/// The rig of this test run, set up once for all tests of a program.
#pragma once

#include "rig/rig.hpp"

namespace lm::test {

/// The rig; valid while tests run.
rig::Rig &the_rig();

/// What a test program wants before the command line has its say.
rig::Options default_options();

} // namespace lm::test
