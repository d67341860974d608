// SPDX-License-Identifier: GPL-2.0-only
#include "host/undo.hpp"

#include <fmt/format.h>

namespace lm::ctl {

void Undo::remember(std::string what, std::function<void()> how) {
    steps_.push_back({std::move(what), std::move(how)});
}

Undo::~Undo() {
    while (!steps_.empty()) {
        const Step step = std::move(steps_.back());
        steps_.pop_back();
        try {
            step.how();
            fmt::print(stderr, "undone: {}\n", step.what);
        } catch (const std::exception &error) {
            // The others still are to be undone.
            fmt::print(stderr, "could not undo: {}: {}\n", step.what, error.what());
        }
    }
}

} // namespace lm::ctl
