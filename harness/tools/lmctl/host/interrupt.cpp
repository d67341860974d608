// SPDX-License-Identifier: GPL-2.0-only
#include "host/interrupt.hpp"

#include "problem.hpp"

#include <csignal>

namespace lm::ctl {

namespace {
volatile std::sig_atomic_t interrupted = 0;
} // namespace

void note_interrupts() {
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };
    for (int number : {SIGINT, SIGTERM, SIGHUP})
        ::sigaction(number, &action, nullptr);
}

bool was_interrupted() {
    return interrupted != 0;
}

void stop_if_interrupted() {
    if (was_interrupted())
        throw Problem{"interrupted"};
}

} // namespace lm::ctl
