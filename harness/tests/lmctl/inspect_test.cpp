// SPDX-License-Identifier: GPL-2.0-only
/// What nvme-lmctl inspect tells of good streams, and which check sees what is bad.
#include "lmctl/sample.hpp"
#include "stream/describe.hpp"
#include "streams/passes.hpp"
#include "text/style.hpp"
#include "text/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace lm::test {

using ctl::Check;
using ctl::Inspection;
using ctl::Verdict;
using migration::Record;
using migration::Stream;

TEST(Inspect, GoodStream) {
    const Inspection s = inspect(sample_stream().encode());
    EXPECT_TRUE(s.valid()) << complaints(s);
    ASSERT_TRUE(s.state);
    EXPECT_TRUE(s.state->suspended);
    ASSERT_EQ(s.state->sqs.size(), 2U);
    ASSERT_EQ(s.state->cqs.size(), 2U);
    EXPECT_EQ(s.state->sqs[1].id.value, 2);
    EXPECT_EQ(s.state->sqs[1].head, 5);
    EXPECT_EQ(s.state->sqs[1].tail, 7);
    EXPECT_EQ(s.state->cqs[1].vector.value, 2);
    EXPECT_TRUE(s.state->cqs[1].slot0_phase);
    EXPECT_EQ(s.state->vendor_bytes, 600U);
    EXPECT_EQ(s.media.size(), 2U);
    EXPECT_EQ(s.transfer.pieces, 3U);
    EXPECT_EQ(s.transfer.later_passes, 0U);
    EXPECT_EQ(s.outcome(Check::digest).verdict, Verdict::not_applicable);
}

TEST(Inspect, ManyQueuesAndSmallPieces) {
    const Inspection s = inspect(sample_stream(300, 4, 4).encode());
    EXPECT_TRUE(s.valid()) << complaints(s);
    EXPECT_EQ(s.state->sqs.size(), 300U);
    EXPECT_EQ(s.state->sqs[299].prp1.value % 4096, 0U);
}

TEST(Inspect, StateInPasses) {
    const Inspection s = inspect(sample_precopy().encode());
    EXPECT_TRUE(s.valid()) << complaints(s);
    EXPECT_EQ(s.outcome(Check::digest).verdict, Verdict::ok);
    EXPECT_EQ(s.transfer.first_pass, sample_state(2, 20000).size());
    EXPECT_EQ(s.transfer.later_passes, 3U);
    EXPECT_EQ(s.state->sqs.size(), 2U);
}

/// Passes of any shape make one state: it grows, shrinks, and has any granule.
TEST(Inspect, PassesOfAnyShape) {
    for (std::int64_t more : {-12000, -4096, -4, 0, 4, 5000, 20000})
        for (std::uint32_t granule : {4096U, 8192U, 1U << 20})
            for (std::uint64_t seed : {1U, 2U, 3U}) {
                const Passes shape{.granule = granule,
                                   .piece = granule,
                                   .again = 3,
                                   .first_more = more,
                                   .seed = seed};
                const Inspection s =
                    inspect(in_passes(sample_stream(2, 20000, 1 << 20), shape).encode());
                EXPECT_TRUE(s.valid()) << complaints(s) << more << " more, granule " << granule;
            }
}

TEST(Inspect, JsonHasTheSame) {
    const Inspection s = inspect(sample_stream().encode());
    const ctl::Json json = ctl::Json::parse(ctl::stream_to_json(s, "a file").dump());
    EXPECT_EQ(json["valid"], true);
    EXPECT_EQ(json["identity"]["cntlid"], 3);
    EXPECT_EQ(json["identity"]["subsystem"], "nqn.2019-08.org.qemu:rig");
    EXPECT_EQ(json["media"][1]["nsid"], 7);
    EXPECT_EQ(json["state"]["submission_queues"][0]["entries"], 64);
    EXPECT_EQ(json["state"]["completion_queues"][1]["vector"], 2);
    EXPECT_EQ(json["checks"]["stream_crc"]["result"], "ok");
}

TEST(Inspect, TextFitsAnyTerminalOf80Columns) {
    ctl::set_up_style(ctl::ColourMode::never);
    for (const Stream &stream : {sample_stream(), sample_precopy(), sample_stream(64)}) {
        std::istringstream text{ctl::describe_stream(inspect(stream.encode()), "guest.lm", true)};
        for (std::string line; std::getline(text, line);)
            EXPECT_LE(ctl::shown_width(line), 80U) << line;
    }
}

TEST(Inspect, NamesOfADeviceCannotTalkToTheTerminal) {
    Stream stream = sample_stream();
    stream.records[0].change<nvme_lm_identity>([](nvme_lm_identity &id) {
        std::ranges::copy(std::string_view{"\x1b[2J\xff\x07\n"}, id.mn);
        std::ranges::fill(id.subnqn, 0xe4);
    });
    const Inspection s = inspect(stream.encode());
    ctl::set_up_style(ctl::ColourMode::never);
    const std::string text = ctl::describe_stream(s, "\x1b[2J", true);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_NE(text.find("\\x1b[2J\\xff\\x07\\x0a"), std::string::npos) << text;
    EXPECT_NO_THROW(std::ignore = ctl::stream_to_json(s, "\xff").dump());
}

TEST(Inspect, ReadsAPipeByteByByte) {
    const Bytes bytes = sample_stream().encode();
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::thread writer{[&] {
        for (std::byte b : bytes)
            std::ignore = ::write(ends[1], &b, 1);
        ::close(ends[1]);
    }};
    const Inspection s = ctl::inspect_stream(ctl::source_of(ends[0]));
    writer.join();
    ::close(ends[0]);
    EXPECT_TRUE(s.valid()) << complaints(s);
}

/// A change of a good state, and what is said of it.
struct BadState {
    std::size_t at;
    std::uint16_t value;
    const char *complaint;
};

class InspectState : public testing::TestWithParam<BadState> {};

TEST_P(InspectState, IsSeen) {
    Stream stream = sample_stream(2, 600, 1 << 20);
    Record &piece = stream.records[stream.find(NVME_LM_REC_STATE)];
    store<std::uint16_t>(piece.payload, sizeof(nvme_lm_state_piece) + GetParam().at,
                         GetParam().value);
    const Inspection s = inspect(stream.encode());
    EXPECT_EQ(s.outcome(Check::state).verdict, Verdict::bad);
    EXPECT_THAT(s.outcome(Check::state).detail, testing::HasSubstr(GetParam().complaint));
    EXPECT_EQ(s.outcome(Check::stream_crc).verdict, Verdict::ok);
}

INSTANTIATE_TEST_SUITE_P(
    All, InspectState,
    testing::Values(BadState{2, 0, "not suspended"}, BadState{16, 7, "do not make up"},
                    BadState{24, 1, "do not make up"},
                    BadState{50, 3, "expected 128 bytes of NVMECS"},
                    BadState{56, 8, "inside of a page"}, BadState{64, 0, "has one entry"},
                    BadState{66, 0, "is the admin queue"}, BadState{66, 2, "SQ 2 is there twice"},
                    BadState{68, 9, "CQ 9, which is not there"},
                    BadState{72, 64, "head and tail below 64"}));

} // namespace lm::test
