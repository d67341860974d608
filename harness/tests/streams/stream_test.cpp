// SPDX-License-Identifier: GPL-2.0-only
/// The driver's codec against the harness's own reader and writer of the format.
#include "streams/bad_streams.hpp"
#include "streams/codec.hpp"
#include "streams/good_stream.hpp"
#include "util/crc32c.hpp"

#include <gtest/gtest.h>

namespace lm::test {

using migration::Stream;

TEST(Crc32c, StandardCheckValue) {
    EXPECT_EQ(crc32c(std::as_bytes(std::span{"123456789", 9})), 0xe3069283U);
}

TEST(StreamCodec, ReaderTakesWhatTheDriverWrites) {
    for (std::size_t piece : {1UL, 4UL, 100UL, 4096UL}) {
        const Stream wanted = good_stream();
        const Stream read = Stream::parse(encode(wanted, piece));
        EXPECT_EQ(read.state(), wanted.state());
        EXPECT_EQ(read.records.front().payload, wanted.records.front().payload);
        EXPECT_EQ(read.header.command_set, NVME_LM_CS_STANDARD);
    }
}

TEST(StreamCodec, BothWritersWriteTheSameBytes) {
    EXPECT_EQ(difference(encode(good_stream(), 256), good_stream().encode()), "");
}

TEST(StreamCodec, RecordsOfEveryLength) {
    // A payload of a power of two bytes, and one that has all bits of the length below.
    for (std::size_t length = 32; length <= std::size_t{1} << 20; length *= 2)
        for (const std::size_t piece : {length - sizeof(nvme_lm_state_piece), length - 1, length}) {
            const Stream stream = good_stream(piece + 5, piece);
            const Bytes bytes = stream.encode();
            EXPECT_EQ(difference(encode(stream, piece), bytes), "") << piece;
            const Decoded result = decode(bytes);
            EXPECT_EQ(result.error, 0) << result.complaint << ", pieces of " << piece;
        }
}

TEST(StreamCodec, DriverTakesAnySplit) {
    const Bytes bytes = good_stream().encode();
    for (std::size_t chunk : {1UL, 2UL, 7UL, 32UL, 33UL, 1000UL, SIZE_MAX}) {
        const Decoded result = decode(bytes, chunk);
        EXPECT_EQ(result.error, 0) << result.complaint << ", pieces of " << chunk;
        EXPECT_TRUE(result.ended);
        EXPECT_EQ(result.state, good_stream().state());
    }
}

TEST(StreamCodec, UnknownOptionalRecordIsSkipped) {
    for (std::size_t size : {0UL, 1UL, 5000UL}) {
        Stream stream = good_stream();
        stream.records.insert(stream.records.begin() + 2, {.type = 0x7777, .payload = Bytes(size)});
        const Decoded result = decode(stream.encode(), 100);
        EXPECT_EQ(result.error, 0) << result.complaint;
        EXPECT_EQ(result.skipped, 1U);
        EXPECT_EQ(result.state, good_stream().state());
    }
}

TEST(StreamCodec, LongerHeaderOfALaterWriterIsTaken) {
    for (std::size_t more :
         {1UL, 100UL, NVME_LM_STREAM_MAX_HEADER - sizeof(nvme_lm_stream_header)}) {
        Stream stream = good_stream();
        stream.header_rest.assign(more, std::byte{9});
        stream.header.header_len = static_cast<std::uint16_t>(sizeof(stream.header) + more);
        EXPECT_EQ(decode(stream.encode(), 50).error, 0) << more << " bytes more";
    }
}

TEST(StreamCodec, MoreStateThanWantedIsRefused) {
    EXPECT_EQ(decode(good_stream(600).encode(), 64, 599).error, EFBIG);
    EXPECT_EQ(decode(good_stream(600).encode(), 64, 600).error, 0);
}

TEST(StreamCodec, EveryTruncationLacksTheEnd) {
    const Bytes bytes = good_stream().encode();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const Decoded result = decode(ByteView{bytes}.first(size));
        EXPECT_EQ(result.error, ENODATA) << size << " bytes";
        EXPECT_FALSE(result.ended);
    }
}

TEST(StreamCodec, EveryFlippedBitIsSeen) {
    Bytes bytes = good_stream().encode();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
        const Decoded result = decode(bytes);
        EXPECT_NE(result.error, 0) << "bit " << bit % 8 << " of byte " << bit / 8;
        EXPECT_FALSE(result.ended);
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
    }
}

TEST(StreamCodec, GarbageNeverEnds) {
    std::uint32_t x = 1;
    for (unsigned round = 0; round < 2000; ++round) {
        Bytes bytes = good_stream(64, 64).encode();
        for (unsigned i = 0; i < 1 + round % 7; ++i) {
            x = x * 1664525 + 1013904223;
            bytes.at(x % bytes.size()) ^= static_cast<std::byte>(1 + (x >> 24) % 255);
        }
        if (bytes == good_stream(64, 64).encode())
            continue;
        EXPECT_NE(decode(bytes, 1 + round % 50).error, 0) << "round " << round;
    }
}

/// The classes of bad streams that the bytes alone show.
class StreamCodecBad : public testing::TestWithParam<BadStream> {};

TEST_P(StreamCodecBad, HasItsErrno) {
    const Bytes bytes = GetParam().make(good_stream());
    for (std::size_t chunk : {1UL, 31UL, SIZE_MAX}) {
        const Decoded result = decode(bytes, chunk);
        EXPECT_EQ(std::string{strerrorname_np(result.error)},
                  std::string{strerrorname_np(GetParam().error)})
            << result.complaint << ", pieces of " << chunk;
    }
}

TEST_P(StreamCodecBad, IsRefusedByTheOwnReaderToo) {
    EXPECT_THROW(Stream::parse(GetParam().make(good_stream())), migration::MalformedStream);
}

namespace {
std::vector<BadStream> seen_by_codec() {
    std::vector<BadStream> list = bad_streams();
    std::erase_if(list, [](const BadStream &bad) { return bad.seen != Seen::by_codec; });
    return list;
}
} // namespace

INSTANTIATE_TEST_SUITE_P(All, StreamCodecBad, testing::ValuesIn(seen_by_codec()),
                         [](const auto &info) { return info.param.name; });

} // namespace lm::test
