// SPDX-License-Identifier: GPL-2.0-only
/// What many measurements come down to.
#pragma once

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <vector>

namespace lm::bench {

using Clock = std::chrono::steady_clock;

/// Seconds since @start.
inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The value below which @share of all lie (0 … 1), between two neighbours in proportion.
inline double quantile(std::vector<double> values, double share) {
    if (values.empty())
        throw std::invalid_argument{"a quantile of nothing"};
    std::ranges::sort(values);
    const double at = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (at - static_cast<double>(below));
}

inline double median(std::vector<double> values) {
    return quantile(std::move(values), 0.5);
}

} // namespace lm::bench
