// SPDX-License-Identifier: GPL-2.0-only
/// The harness's own account of which memory it let a device write.
#pragma once

#include "util/types.hpp"

#include <cstddef>
#include <fmt/format.h>
#include <ostream>
#include <set>

namespace lm::test {

/// A set of granules of memory.
class Pages {
  public:
    explicit Pages(std::uint64_t granule = 4096) : granule_{granule} {}

    /// Every granule that has a byte of this.
    void add(Iova start, std::uint64_t bytes) {
        if (!bytes)
            return;
        for (std::uint64_t g = start.value / granule_; g <= (start.value + bytes - 1) / granule_;
             ++g)
            granules_.insert(g);
    }
    /// Remove what is outside of [start, start + bytes).
    void clip(Iova start, std::uint64_t bytes) {
        std::erase_if(granules_, [&](std::uint64_t g) {
            return (g + 1) * granule_ <= start.value || g * granule_ >= start.value + bytes;
        });
    }
    void merge(const Pages &other) {
        granules_.insert(other.granules_.begin(), other.granules_.end());
    }
    /// The same memory in another granularity.
    [[nodiscard]] Pages in(std::uint64_t granule) const {
        Pages result{granule};
        for (const std::uint64_t g : granules_)
            result.add(Iova{g * granule_}, granule_);
        return result;
    }
    [[nodiscard]] bool empty() const { return granules_.empty(); }
    [[nodiscard]] std::size_t size() const { return granules_.size(); }
    friend bool operator==(const Pages &, const Pages &) = default;

    /// What GoogleTest prints.
    friend void PrintTo(const Pages &pages, std::ostream *out) {
        *out << fmt::format("{} granules of {:#x}:", pages.granules_.size(), pages.granule_);
        std::size_t shown = 0;
        for (const std::uint64_t g : pages.granules_) {
            if (++shown > 24) {
                *out << " ...";
                return;
            }
            *out << fmt::format(" {:#x}", g * pages.granule_);
        }
    }

  private:
    std::uint64_t granule_;
    std::set<std::uint64_t> granules_;
};

} // namespace lm::test
