// SPDX-License-Identifier: GPL-2.0-only
/// Ctrl-C and its like, for work that has to put things back.
#pragma once

namespace lm::ctl {

/// From now on SIGINT, SIGTERM and SIGHUP are noted, and end no system call's work
/// unseen: blocking calls return with EINTR.
void note_interrupts();
/// Throws a Problem once one of them came.
void stop_if_interrupted();
/// Whether one came.
bool was_interrupted();

} // namespace lm::ctl
