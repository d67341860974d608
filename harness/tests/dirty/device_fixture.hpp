// SPDX-License-Identifier: GPL-2.0-only
/// Tests of the emulated controller's tracking, by commands on the PF.
#pragma once

#include "dirty/track.hpp"
#include "dirty/workload.hpp"
#include "support/guest_test.hpp"

namespace lm::test {

/// All of the memory that the harness hands out, in one range.
inline constexpr Iova all_memory{0x1'0000'0000};
inline constexpr std::uint64_t all_memory_size = 0x3f'0000'0000;

class DeviceTracking : public GuestTest {
  protected:
    static constexpr Granularity fine{0};

    void SetUp() override {
        limits_ = track_limits(pf());
        if (!limits_.offered)
            GTEST_SKIP() << "this controller does not track memory";
        // the reset that opens a function does not end what the test before started
        for (std::size_t n = 0; n < the_rig().functions(); ++n)
            EXPECT_EQ(track_stop(pf(), the_rig().function(n).cntlid).status, nvme::status::success);
    }

    [[nodiscard]] const TrackLimits &limits() const { return limits_; }

    /// A range of whole granules.
    static TrackRange range(Iova start, std::uint64_t bytes, Granularity g = fine) {
        return {start, static_cast<std::uint32_t>(bytes / bytes_in(g))};
    }
    static TrackRange everything(Granularity g = fine) {
        return range(all_memory, all_memory_size, g);
    }

    /// Start, which has to succeed.
    static void start(const Machine &machine, const std::vector<TrackRange> &ranges,
                      Granularity g = fine) {
        EXPECT_EQ(track_start(pf(), machine.cntlid(), g, ranges).status, nvme::status::success);
    }

    /// Everything that is reported, with as many commands as it takes.
    static Pages report(const Machine &machine, std::size_t bytes = 64 * 1024,
                        unsigned *commands = nullptr) {
        Pages pages{0};
        bool first = true;
        for (unsigned n = 1;; ++n) {
            TrackReport part;
            const nvme::Completion done = track_receive(pf(), machine.cntlid(), bytes, part);
            EXPECT_EQ(done.status, nvme::status::success);
            EXPECT_EQ(part.version, 0);
            EXPECT_EQ(part.cntlid, machine.cntlid());
            if (std::exchange(first, false))
                pages = Pages{bytes_in(part.granularity)};
            for (const TrackReport::Run &run : part.runs)
                pages.add(run.start, run.granules * bytes_in(part.granularity));
            if (commands)
                *commands = n;
            if (!done.status.ok() || !part.more)
                return pages;
        }
    }

  private:
    TrackLimits limits_{};
};

} // namespace lm::test
