// SPDX-License-Identifier: GPL-2.0-only
/// Compares two descriptions point by point, as the driver of the destination would,
/// and tells what is in the way.
#pragma once

#include "json.hpp"

#include <string>
#include <vector>

namespace lm::ctl {

enum class Fit {
    ok,
    differs,   ///< the migration would be refused
    not_ready, ///< not yet: something is to be done first
    not_known, ///< a description does not say
};

/// One point of the comparison.
struct Point {
    std::string key;
    std::string title;
    Fit fit;
    std::string text; ///< the value of both, or how they differ and what that means
    /// It may be overlooked: the driver of the destination finds out for itself, and
    /// before the guest is lost.
    bool safe = false;
};

/// Every point. Never throws for what is in the descriptions.
std::vector<Point> compare(const Json &source, const Json &destination);

/// Whether nothing is in the way; with @force, nothing that may not be overlooked.
bool fits(const std::vector<Point> &points, bool force = false);

} // namespace lm::ctl
