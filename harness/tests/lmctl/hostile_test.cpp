// SPDX-License-Identifier: GPL-2.0-only
/// Streams from somebody who means harm: nothing but "bad" may come of them. Built
/// with the address and the undefined behaviour sanitizers.
#include "lmctl/sample.hpp"
#include "stream/describe.hpp"
#include "streams/passes.hpp"
#include "text/style.hpp"

#include <gtest/gtest.h>
#include <random>
#include <sys/resource.h>

namespace lm::test {

using ctl::Inspection;
using migration::Record;
using migration::Stream;

namespace {

/// Tell it in both ways, as the tool would: neither may throw or talk to a terminal.
void tell(const Inspection &s) {
    ctl::set_up_style(ctl::ColourMode::never);
    const std::string text = ctl::describe_stream(s, "x", true);
    EXPECT_EQ(std::ranges::find_if(text, [](unsigned char c) { return c < 0x20 && c != '\n'; }),
              text.end());
    EXPECT_NO_THROW(std::ignore = ctl::stream_to_json(s, "x").dump());
}

std::size_t peak_kib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::size_t>(usage.ru_maxrss);
}

} // namespace

class InspectBad : public testing::TestWithParam<BadStream> {};

TEST_P(InspectBad, IsNotValid) {
    const Inspection s = inspect(GetParam().make(sample_stream()));
    EXPECT_FALSE(s.valid());
    EXPECT_NE(complaints(s), "");
    tell(s);
}

INSTANTIATE_TEST_SUITE_P(All, InspectBad, testing::ValuesIn([] {
                             std::vector<BadStream> list;
                             for (const BadStream &bad : bad_streams())
                                 if (bad.seen == Seen::by_codec)
                                     list.push_back(bad);
                             return list;
                         }()),
                         [](const auto &info) { return info.param.name; });

class InspectBadPasses : public testing::TestWithParam<BadStream> {};

TEST_P(InspectBadPasses, IsNotValid) {
    const Inspection s = inspect(GetParam().make(sample_stream(2, 20000, 1 << 20)));
    EXPECT_FALSE(s.valid());
    EXPECT_NE(complaints(s), "");
    if (GetParam().name == "ReplacementLeftOut") {
        EXPECT_EQ(s.outcome(ctl::Check::digest).verdict, ctl::Verdict::bad);
    }
    tell(s);
}

INSTANTIATE_TEST_SUITE_P(All, InspectBadPasses, testing::ValuesIn([] {
                             std::vector<BadStream> list;
                             for (const BadStream &bad : bad_passes())
                                 if (bad.seen == Seen::by_codec)
                                     list.push_back(bad);
                             return list;
                         }()),
                         [](const auto &info) { return info.param.name; });

TEST(InspectHostile, EveryTruncation) {
    for (const Stream &stream : {sample_stream(), sample_precopy()}) {
        const Bytes bytes = stream.encode();
        for (std::size_t size = 0; size < bytes.size(); size += size < 1500 ? 1 : 97)
            EXPECT_FALSE(inspect(ByteView{bytes}.first(size)).valid()) << size << " bytes";
    }
}

TEST(InspectHostile, EveryFlippedBit) {
    Bytes bytes = sample_stream(1, 8, 64).encode();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
        EXPECT_FALSE(inspect(bytes).valid()) << "bit " << bit % 8 << " of byte " << bit / 8;
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
    }
}

TEST(InspectHostile, RandomChangesWithNoCrcPutRight) {
    std::mt19937 random{1};
    const Bytes good = sample_precopy().encode();
    for (unsigned round = 0; round < 1500; ++round) {
        Bytes bytes = good;
        for (unsigned i = 0; i <= round % 9; ++i)
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        bytes.resize(random() % 4 ? bytes.size() : random() % bytes.size());
        tell(inspect(bytes));
    }
}

/// Every CRC is right, so that the changes get as deep as they can.
TEST(InspectHostile, RandomChangesWithCrcsPutRight) {
    std::mt19937 random{2};
    unsigned valid = 0;
    for (unsigned round = 0; round < 1500; ++round) {
        Stream stream = round % 2 ? sample_stream(1 + round % 5, 8, 1 << 12) : sample_precopy();
        for (unsigned i = 0; i <= round % 5; ++i) {
            Record &record = stream.records[random() % stream.records.size()];
            const std::size_t reach = std::min<std::size_t>(record.payload.size(), 256);
            if (random() % 8 == 0)
                record.type = static_cast<std::uint16_t>(random() % 0x14);
            else if (random() % 8 == 0)
                record.payload.resize(random() % (record.payload.size() + 40));
            else if (reach != 0)
                record.payload[random() % reach] =
                    static_cast<std::byte>(random() % 3 ? random() : 255);
        }
        const Inspection s = inspect(stream.encode());
        valid += s.valid();
        tell(s);
    }
    // Some changes do no harm, such as another name; that all do would mean a blunt test.
    EXPECT_GT(valid, 0U);
    EXPECT_LT(valid, 750U);
}

TEST(InspectHostile, OffsetsAtTheEndOfTheWorld) {
    for (std::uint64_t offset :
         {UINT64_MAX, UINT64_MAX - 4095, UINT64_MAX / 4096 * 4096, 1UL << 63}) {
        for (Stream stream : {sample_stream(), sample_precopy()}) {
            stream.records[stream.find(NVME_LM_REC_STATE)].change<nvme_lm_state_piece>(
                [&](nvme_lm_state_piece &piece) { piece.offset = offset; });
            const Inspection s = inspect(stream.encode());
            EXPECT_FALSE(s.valid());
            tell(s);
        }
    }
}

TEST(InspectHostile, CountsAtTheEndOfTheWorld) {
    for (std::size_t at : {16UL, 24UL, 32UL, 40UL, 50UL, 52UL}) {
        Stream stream = sample_stream(2, 600, 1 << 20);
        Record &piece = stream.records[stream.find(NVME_LM_REC_STATE)];
        store<std::uint16_t>(piece.payload, sizeof(nvme_lm_state_piece) + at, 0xffff);
        if (at < 48)
            store<std::uint64_t>(piece.payload, sizeof(nvme_lm_state_piece) + at, UINT64_MAX);
        const Inspection s = inspect(stream.encode());
        EXPECT_FALSE(s.valid());
        tell(s);
    }
}

/// A record that never ends to come, of 128 MiB in all, in a few MiB of memory.
TEST(InspectHostile, MemoryIsBounded) {
    Stream start = sample_stream();
    start.records.resize(start.find(NVME_LM_REC_STATE));
    const Bytes head = start.encode();
    const std::size_t before = peak_kib();
    std::uint32_t seq = static_cast<std::uint32_t>(start.records.size());
    const Bytes payload = Bytes(sizeof(nvme_lm_state_piece) + (1 << 20));
    Bytes rest = head;
    std::uint64_t offset = 0;
    const auto next_record = [&] {
        Stream one;
        Record piece{
            .type = NVME_LM_REC_STATE, .flags = NVME_LM_REC_F_MANDATORY, .payload = payload};
        piece.change<nvme_lm_state_piece>([&](nvme_lm_state_piece &p) { p.offset = offset; });
        piece.seq_shift = seq++;
        one.records = {std::move(piece)};
        const Bytes bytes = one.encode();
        offset += 1 << 20;
        return Bytes{bytes.begin() + sizeof(nvme_lm_stream_header), bytes.end()};
    };
    const Inspection s = ctl::inspect_stream([&](ByteSpan out) -> std::size_t {
        std::size_t have = 0;
        while (have < out.size()) {
            if (rest.empty() && offset == std::uint64_t{128} << 20)
                break;
            if (rest.empty())
                rest = next_record();
            const std::size_t n = std::min(rest.size(), out.size() - have);
            std::copy_n(rest.begin(), n, out.begin() + static_cast<std::ptrdiff_t>(have));
            rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n));
            have += n;
        }
        return have;
    });
    EXPECT_EQ(s.transfer.size, std::uint64_t{128} << 20);
    EXPECT_FALSE(s.valid());
    // The sanitizer keeps freed memory for a while: a limit of its quarantine is set below.
    EXPECT_LT(peak_kib() - before, 64U << 10);
}

} // namespace lm::test

extern "C" const char *__asan_default_options() {
    return "quarantine_size_mb=4:detect_leaks=1";
}
