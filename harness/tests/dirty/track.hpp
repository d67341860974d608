// SPDX-License-Identifier: GPL-2.0-only
/// Track Send and Track Receive, written from the NVM Express Base Specification
/// 2.1, sections 5.1.26 and 5.1.27.
#pragma once

#include "nvme/passthrough.hpp"

#include <vector>

namespace lm::test {

/// A granularity as commands name it: a power of two of 4 KiB.
using Granularity = Strong<struct GranularityTag, std::uint8_t>;

constexpr std::uint64_t bytes_in(Granularity g) {
    return std::uint64_t{4096} << g.value;
}

/// Memory to be tracked: a Memory Range Tracking Descriptor.
struct TrackRange {
    Iova start{};
    std::uint32_t granules = 0;
};

/// What Track Receive gives.
struct TrackReport {
    struct Run {
        Iova start{};
        std::uint32_t granules = 0;
    };
    std::uint8_t version = 0;
    bool more = false;
    bool suspended = false;
    Cntlid cntlid{};
    Granularity granularity{};
    std::vector<Run> runs{};
};

/// Limits of tracking in Identify Controller.
struct TrackLimits {
    bool offered;
    bool powers_of_two;           ///< lengths have to be
    std::uint16_t per_controller; ///< for all that this controller tracks
    std::uint16_t per_subsystem;
    Granularity min;
    Granularity max;
};

TrackLimits track_limits(const nvme::Passthrough &pf);

/// The Track Memory Changes data structure.
Bytes track_data(Granularity granularity, const std::vector<TrackRange> &ranges);

/// Track Send, Track Memory Changes, start, with this data.
nvme::Completion track_start(const nvme::Passthrough &pf, Cntlid cntlid, Bytes data);
nvme::Completion track_start(const nvme::Passthrough &pf, Cntlid cntlid, Granularity granularity,
                             const std::vector<TrackRange> &ranges);
/// Track Send, Track Memory Changes, stop.
nvme::Completion track_stop(const nvme::Passthrough &pf, Cntlid cntlid);
/// Where a Track Receive says how much it asks for: the specification's place, or the
/// one of Migration Receive, for who was written without the text.
enum class NumdPlace { cdw12, cdw15 };

/// Track Receive of @bytes; the report counts only when the status is good.
nvme::Completion track_receive(const nvme::Passthrough &pf, Cntlid cntlid, std::size_t bytes,
                               TrackReport &report, NumdPlace place = NumdPlace::cdw12);

} // namespace lm::test
