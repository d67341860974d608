// SPDX-License-Identifier: GPL-2.0-only
#include "dirty/track.hpp"

namespace lm::test {

namespace {

constexpr std::uint32_t select_memory_changes = 1; // Track Send, SEL
constexpr std::uint32_t tact_shift = 16;           // bit 0 of MOS
constexpr std::uint8_t attribute_more = 1;         // ATTRB, MTR
constexpr std::uint8_t attribute_suspended = 2;    // ATTRB, SUSP

constexpr std::size_t header_size = 8;
constexpr std::size_t range_size = 12;
constexpr std::size_t report_header_size = 16;
constexpr std::size_t run_size = 16;

// There is no NUMD: the data says how long it is.
nvme::Sqe track_send(Cntlid cntlid, bool start) {
    nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(nvme::Admin::track_send)};
    sqe.cdw10 = select_memory_changes | (start ? 1U : 0U) << tact_shift;
    sqe.cdw11 = cntlid.value;
    return sqe;
}

} // namespace

TrackLimits track_limits(const nvme::Passthrough &pf) {
    const Bytes id = pf.identify(nvme::Cns::controller);
    return {.offered = (load<std::uint8_t>(id, 576) & 1) != 0,
            .powers_of_two = (load<std::uint8_t>(id, 576) & 4) != 0,
            .per_controller = load<std::uint16_t>(id, 570),
            .per_subsystem = load<std::uint16_t>(id, 572),
            .min = Granularity{load<std::uint8_t>(id, 574)},
            .max = Granularity{load<std::uint8_t>(id, 575)}};
}

Bytes track_data(Granularity granularity, const std::vector<TrackRange> &ranges) {
    Bytes data(header_size + range_size * ranges.size());
    store<std::uint8_t>(data, 3, granularity.value);
    store<std::uint32_t>(data, 4, static_cast<std::uint32_t>(ranges.size()));
    std::size_t at = header_size;
    for (const TrackRange &range : ranges) {
        store<std::uint64_t>(data, at, range.start.value);
        store<std::uint32_t>(data, at + 8, range.granules);
        at += range_size;
    }
    return data;
}

nvme::Completion track_start(const nvme::Passthrough &pf, Cntlid cntlid, Bytes data) {
    return pf.submit(track_send(cntlid, true), data);
}

nvme::Completion track_start(const nvme::Passthrough &pf, Cntlid cntlid, Granularity granularity,
                             const std::vector<TrackRange> &ranges) {
    return track_start(pf, cntlid, track_data(granularity, ranges));
}

nvme::Completion track_stop(const nvme::Passthrough &pf, Cntlid cntlid) {
    return pf.submit(track_send(cntlid, false));
}

nvme::Completion track_receive(const nvme::Passthrough &pf, Cntlid cntlid, std::size_t bytes,
                               TrackReport &report, NumdPlace place) {
    Bytes data(bytes);
    nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(nvme::Admin::track_receive)};
    sqe.cdw11 = cntlid.value;
    (place == NumdPlace::cdw12 ? sqe.cdw12 : sqe.cdw15) =
        static_cast<std::uint32_t>(bytes / 4 - 1); // NUMD, 0-based
    const nvme::Completion completion = pf.submit(sqe, data);
    if (!completion.status.ok())
        return completion;

    report = {.version = load<std::uint8_t>(data, 0),
              .more = (load<std::uint8_t>(data, 1) & attribute_more) != 0,
              .suspended = (load<std::uint8_t>(data, 1) & attribute_suspended) != 0,
              .cntlid = Cntlid{load<std::uint16_t>(data, 2)},
              .granularity = Granularity{static_cast<std::uint8_t>(load<std::uint16_t>(data, 8))}};
    for (std::size_t i = 0; i < load<std::uint32_t>(data, 4); ++i) {
        const ByteView run = slice(data, report_header_size + run_size * i, run_size);
        report.runs.push_back({Iova{load<std::uint64_t>(run, 0)}, load<std::uint32_t>(run, 8)});
    }
    return completion;
}

} // namespace lm::test
