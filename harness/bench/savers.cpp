// SPDX-License-Identifier: GPL-2.0-only
#include "savers.hpp"

namespace lm::bench {

using migration::State;

Savers::Savers(Stage &stage, unsigned count, std::uint64_t size) {
    for (unsigned i = 0; i < count; ++i) {
        all_.push_back(std::make_unique<One>(stage.open(i)));
        stage.resize(all_.back()->vf, size);
    }
}

void Savers::start(Round &round, unsigned count) {
    saving_ = std::span{all_}.first(count);
    running_ = count;
    done_ = false;
    first_done_ = false;
    error_ = nullptr;
    for (const auto &one : saving_) {
        one->bytes = 0;
        one->vf.migration().set(State::stop);
    }
    const Clock::time_point begin = Clock::now();
    for (const auto &one : saving_)
        threads_.emplace_back(
            [this, &round, begin, it = one.get()] { save_one(*it, round, begin); });
}

void Savers::save_one(One &one, Round &round, Clock::time_point begin) {
    try {
        save(one.vf.migration(), one.buffer, [&](std::uint64_t bytes) { one.bytes = bytes; });
        if (!first_done_.exchange(true)) {
            std::uint64_t sum = 0, least = one.bytes;
            for (const auto &other : saving_) {
                const std::uint64_t bytes = other->bytes;
                sum += bytes;
                least = std::min(least, bytes);
            }
            round.slowest_share = static_cast<double>(least) * static_cast<double>(saving_.size()) /
                                  static_cast<double>(sum);
        }
    } catch (...) {
        error_ = std::current_exception();
    }
    if (--running_ == 0) {
        round.seconds = seconds_since(begin);
        for (const auto &other : saving_)
            round.bytes += other->bytes;
        done_ = true;
    }
}

} // namespace lm::bench
