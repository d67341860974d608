// SPDX-License-Identifier: GPL-2.0-only
/// Streams of a state in passes: the harness's own reader and writer, and the
/// driver's codec against them.
#include "streams/codec.hpp"
#include "streams/good_stream.hpp"
#include "streams/passes.hpp"

#include <gtest/gtest.h>

namespace lm::test {

using migration::Stream;

namespace {

constexpr std::size_t size = 5 * 4096 + 1000;

/// Shapes that a stream in passes can have.
const std::vector<Passes> &shapes() {
    static const std::vector<Passes> all{
        {},
        {.again = 0},
        {.again = 5, .all_differ = false},
        {.piece = 3 * 4096},
        {.piece = 1 << 19},
        {.granule = 8192, .piece = 8192},
        {.granule = 1 << 20, .piece = 1 << 20},
        {.first_more = 4},
        {.first_more = -4},
        {.first_more = 4096, .all_differ = false},
        {.piece = 8192, .first_more = 3 * 4096 + 8, .all_differ = false},
        {.first_more = -4096, .all_differ = false},
        {.piece = 2 * 4096, .first_more = 4 - static_cast<std::int64_t>(size)},
    };
    return all;
}

} // namespace

TEST(Passes, OwnReaderTakesWhatTheOwnWriterWrites) {
    const Stream whole = good_stream(size);
    for (const Passes &passes : shapes()) {
        const Stream read = Stream::parse(in_passes(whole, passes).encode());
        EXPECT_TRUE(read.has_passes());
        EXPECT_EQ(difference(read.state(), whole.state()), "");
    }
}

TEST(Passes, WhatCameFirstIsNotWhatCounts) {
    const Stream stream = in_passes(good_stream(size));
    Bytes first;
    for (const migration::Record *record : stream.of_type(NVME_LM_REC_STATE))
        if (record->as<nvme_lm_state_piece>().offset == first.size())
            first.insert(first.end(), record->payload.begin() + 16, record->payload.end());
    EXPECT_EQ(first.size(), size);
    EXPECT_NE(difference(first, good_stream(size).state()), "");
}

TEST(PassesCodec, TakesEveryShape) {
    const Stream whole = good_stream(size);
    for (const Passes &passes : shapes()) {
        const Decoded result = decode(in_passes(whole, passes).encode(), 5000);
        EXPECT_EQ(result.error, 0) << result.complaint;
        EXPECT_TRUE(result.ended);
        EXPECT_EQ(difference(result.state, whole.state()), "");
    }
}

TEST(PassesCodec, TakesAnySplit) {
    const Bytes bytes = in_passes(good_stream(size)).encode();
    for (std::size_t chunk : {1UL, 2UL, 7UL, 32UL, 4096UL, SIZE_MAX}) {
        const Decoded result = decode(bytes, chunk);
        EXPECT_EQ(result.error, 0) << result.complaint << ", pieces of " << chunk;
        EXPECT_EQ(difference(result.state, good_stream(size).state()), "");
    }
}

TEST(PassesCodec, StateOfEverySizeAroundAGranule) {
    for (std::size_t around : {4UL, 4096UL, 2 * 4096UL})
        for (std::size_t bytes : {around - 4, around, around + 4}) {
            if (!bytes)
                continue;
            const Stream whole = good_stream(bytes, 4096);
            const Decoded result = decode(in_passes(whole).encode());
            EXPECT_EQ(result.error, 0) << result.complaint << ", state of " << bytes;
            EXPECT_EQ(difference(result.state, whole.state()), "");
        }
}

TEST(PassesCodec, MoreStateThanWantedIsRefusedWhenItComes) {
    const Bytes bytes = in_passes(good_stream(size)).encode();
    EXPECT_EQ(decode(bytes, 64, size).error, 0);
    EXPECT_EQ(decode(bytes, 64, size - 4).error, EFBIG);
    EXPECT_EQ(decode(bytes, 64, 4096).error, EFBIG);
}

TEST(PassesCodec, UnknownOptionalRecordBetweenPassesIsSkipped) {
    Stream stream = in_passes(good_stream(size));
    const auto at = static_cast<std::ptrdiff_t>(stream.find(NVME_LM_REC_STATE, 7));
    stream.records.insert(stream.records.begin() + at, {.type = 0x7777, .payload = Bytes(5000)});
    const Decoded result = decode(stream.encode(), 100);
    EXPECT_EQ(result.error, 0) << result.complaint;
    EXPECT_EQ(result.skipped, 1U);
}

TEST(PassesCodec, EveryTruncationLacksTheEnd) {
    const Bytes bytes = in_passes(good_stream(2 * 4096 + 8)).encode();
    for (std::size_t part = 0; part < bytes.size(); part += part < 700 ? 1 : 13) {
        const Decoded result = decode(ByteView{bytes}.first(part));
        EXPECT_EQ(result.error, ENODATA) << part << " bytes";
        EXPECT_FALSE(result.ended);
    }
}

TEST(PassesCodec, EveryFlippedByteIsSeen) {
    Bytes bytes = in_passes(good_stream(4096 + 8)).encode();
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        bytes[at] ^= std::byte{1} << at % 8;
        const Decoded result = decode(bytes);
        EXPECT_NE(result.error, 0) << "byte " << at;
        EXPECT_FALSE(result.ended);
        bytes[at] ^= std::byte{1} << at % 8;
    }
}

/// The classes of bad streams that the bytes alone show.
class PassesCodecBad : public testing::TestWithParam<BadStream> {};

TEST_P(PassesCodecBad, HasItsErrno) {
    const Bytes bytes = GetParam().make(good_stream(size));
    for (std::size_t chunk : {1UL, 31UL, SIZE_MAX}) {
        const Decoded result = decode(bytes, chunk);
        EXPECT_EQ(std::string{strerrorname_np(result.error)},
                  std::string{strerrorname_np(GetParam().error)})
            << result.complaint << ", pieces of " << chunk;
    }
}

TEST_P(PassesCodecBad, IsRefusedByTheOwnReaderToo) {
    EXPECT_THROW(Stream::parse(GetParam().make(good_stream(size))), migration::MalformedStream);
}

namespace {
std::vector<BadStream> seen_by_codec() {
    std::vector<BadStream> list = bad_passes();
    std::erase_if(list, [](const BadStream &bad) { return bad.seen != Seen::by_codec; });
    return list;
}
} // namespace

INSTANTIATE_TEST_SUITE_P(All, PassesCodecBad, testing::ValuesIn(seen_by_codec()),
                         [](const auto &info) { return info.param.name; });

} // namespace lm::test
