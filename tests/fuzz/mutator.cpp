// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/mutator.hpp"

#include <algorithm>
#include <array>

namespace lm::fuzz {

using migration::Record;
using migration::Stream;

namespace {

constexpr std::size_t most_records = 64;
constexpr std::size_t most_payload = 8300;

constexpr auto types = std::to_array<std::uint16_t>(
    {NVME_LM_REC_IDENTITY, NVME_LM_REC_FORMAT, NVME_LM_REC_MEDIUM, NVME_LM_REC_PRECOPY,
     NVME_LM_REC_STATE, NVME_LM_REC_DIGEST, NVME_LM_REC_END, 0x7777, 0x0000, 0xffff});

/// Numbers at which bounds are.
constexpr auto numbers = std::to_array<std::uint64_t>({0,
                                                       1,
                                                       2,
                                                       3,
                                                       4,
                                                       7,
                                                       8,
                                                       15,
                                                       16,
                                                       17,
                                                       255,
                                                       256,
                                                       1023,
                                                       1024,
                                                       1025,
                                                       4095,
                                                       4096,
                                                       4097,
                                                       0xffff,
                                                       NVME_LM_STREAM_MAX_PAYLOAD,
                                                       NVME_LM_STREAM_MAX_PAYLOAD + 1,
                                                       0x7fffffff,
                                                       0x80000000,
                                                       0xfffffff0,
                                                       0xffffffff,
                                                       0x100000000,
                                                       0x7fffffffffffffff,
                                                       0xfffffffffffffff0,
                                                       0xffffffffffffffff});

std::uint64_t any_number(Random &random) {
    return numbers[random() % numbers.size()];
}

std::size_t any_record(const Stream &stream, Random &random) {
    return random() % stream.records.size();
}

void change_header(Stream &stream, Random &random) {
    switch (random() % 5) {
    case 0:
        stream.header.version = static_cast<std::uint16_t>(any_number(random));
        break;
    case 1:
        stream.header.command_set = static_cast<std::uint16_t>(any_number(random));
        break;
    case 2:
        stream.header.flags = static_cast<std::uint16_t>(1U << random() % 16);
        break;
    case 3:
        stream.header_rest.assign(random() % 100, std::byte{5});
        stream.header.header_len =
            static_cast<std::uint16_t>(sizeof(stream.header) + stream.header_rest.size());
        break;
    default:
        stream.header.header_len = static_cast<std::uint16_t>(any_number(random));
    }
}

void change_record_header(Record &record, Random &random) {
    switch (random() % 8) {
    case 0:
        record.type = types[random() % types.size()];
        break;
    case 1:
        record.flags ^= NVME_LM_REC_F_MANDATORY;
        break;
    case 2:
        record.flags ^= static_cast<std::uint16_t>(1U << random() % 16);
        break;
    case 3:
        record.reserved = static_cast<std::uint32_t>(any_number(random));
        break;
    case 4:
        record.seq_shift = static_cast<std::int64_t>(any_number(random)) - 1;
        break;
    case 5:
        record.length_shift = static_cast<std::int64_t>(any_number(random) - record.payload.size());
        break;
    case 6:
        record.crc_flip = 1U << random() % 32;
        break;
    default:
        record.payload_crc_flip = 1U << random() % 32;
    }
}

/// Put a number where a bound may be in a payload.
void change_field(Record &record, Random &random) {
    const std::uint64_t number = any_number(random);
    const std::size_t width = std::size_t{1} << random() % 4;
    if (record.payload.size() < width)
        return;
    const std::size_t fields = record.payload.size() / width;
    // what has a meaning is at the beginning
    const std::size_t at = random() % std::min<std::size_t>(fields, 1 + 64 / width) * width;
    std::memcpy(record.payload.data() + at, &number, width);
}

/// Put pieces of state where granules may be, again or for the first time.
void move_state(Stream &stream, Random &random) {
    for (Record &record : stream.records)
        if (record.type == NVME_LM_REC_STATE && random() % 3 == 0 &&
            record.payload.size() >= sizeof(nvme_lm_state_piece))
            record.change<nvme_lm_state_piece>(
                [&](nvme_lm_state_piece &piece) { piece.offset = random() % 5 * 4096; });
}

/// Tell another size of the state at its end.
void change_size(Stream &stream, Random &random) {
    const std::uint64_t size = random() % 6 * 4096 + random() % 3 * 4;
    for (Record &record : stream.records)
        if ((record.type == NVME_LM_REC_DIGEST || record.type == NVME_LM_REC_END) &&
            record.payload.size() >= sizeof(size))
            std::memcpy(record.payload.data(), &size, sizeof(size));
}

/// Let the pieces of state follow each other, as they would in a stream without passes.
void renumber_state(Stream &stream) {
    std::uint64_t offset = 0;
    for (Record &record : stream.records) {
        if (record.type == NVME_LM_REC_STATE &&
            record.payload.size() >= sizeof(nvme_lm_state_piece)) {
            std::memcpy(record.payload.data(), &offset, sizeof(offset));
            offset += record.payload.size() - sizeof(nvme_lm_state_piece);
        }
        if (record.type == NVME_LM_REC_END && record.payload.size() >= sizeof(offset))
            std::memcpy(record.payload.data(), &offset, sizeof(offset));
    }
}

void change_order(Stream &stream, Random &random) {
    auto &records = stream.records;
    const auto at = records.begin() + static_cast<std::ptrdiff_t>(any_record(stream, random));
    switch (random() % 4) {
    case 0:
        records.erase(at);
        break;
    case 1:
        if (records.size() < most_records)
            records.insert(at, Record{*at});
        break;
    case 2:
        std::iter_swap(at,
                       records.begin() + static_cast<std::ptrdiff_t>(any_record(stream, random)));
        break;
    default:
        if (records.size() < most_records)
            records.insert(at, Record{.type = types[random() % types.size()],
                                      .flags = static_cast<std::uint16_t>(random() % 2),
                                      .payload = Bytes(random() % 80)});
    }
}

/// Cut a piece of state in two, or make it longer.
void change_state(Stream &stream, Random &random) {
    const std::size_t at = any_record(stream, random);
    Record &record = stream.records[at];
    const std::size_t head = sizeof(nvme_lm_state_piece);
    if (record.type != NVME_LM_REC_STATE || record.payload.size() <= head + 1)
        return;
    if (random() % 2) {
        record.payload.resize(std::min(record.payload.size() + random() % 600, most_payload));
    } else if (stream.records.size() < most_records) {
        const std::size_t cut = head + 1 + random() % (record.payload.size() - head - 1);
        Record rest = record;
        rest.payload.erase(rest.payload.begin() + head,
                           rest.payload.begin() + static_cast<std::ptrdiff_t>(cut));
        record.payload.resize(cut);
        stream.records.insert(stream.records.begin() + static_cast<std::ptrdiff_t>(at) + 1, rest);
    }
    renumber_state(stream);
}

template <typename T> T take(ByteView bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
    return value;
}

ByteView behind(ByteView bytes, std::size_t size) {
    return bytes.subspan(std::min(size, bytes.size()));
}

} // namespace

Stream take_apart(ByteView bytes) {
    Stream stream;
    stream.header = take<nvme_lm_stream_header>(bytes);
    bytes = behind(bytes, sizeof(stream.header));
    if (stream.header.header_len > sizeof(stream.header)) {
        const ByteView rest = bytes.first(
            std::min<std::size_t>(bytes.size(), stream.header.header_len - sizeof(stream.header)));
        stream.header_rest.assign(rest.begin(), rest.end());
        bytes = behind(bytes, rest.size());
    }
    while (!bytes.empty() && stream.records.size() < most_records) {
        const auto head = take<nvme_lm_record>(bytes);
        bytes = behind(bytes, sizeof(head));
        const ByteView payload = bytes.first(std::min<std::size_t>(bytes.size(), head.length));
        stream.records.push_back({.type = head.type,
                                  .flags = head.flags,
                                  .payload = {payload.begin(), payload.end()},
                                  .reserved = head.reserved,
                                  .reserved2 = head.reserved2[0]});
        bytes = behind(bytes, payload.size());
    }
    return stream;
}

void mutate(Stream &stream, Random &random, const Scramble &scramble) {
    if (stream.records.empty()) {
        stream.records.push_back({.type = types[random() % types.size()], .payload = Bytes(16)});
        return;
    }
    Record &record = stream.records[any_record(stream, random)];
    switch (random() % 15) {
    case 0:
        change_header(stream, random);
        break;
    case 1:
    case 2:
        change_record_header(record, random);
        break;
    case 3:
    case 4:
        change_field(record, random);
        break;
    case 5:
    case 6:
        change_order(stream, random);
        break;
    case 7:
    case 8:
        change_state(stream, random);
        break;
    case 9:
        renumber_state(stream);
        break;
    case 10:
        stream.end_crc_flip ^= 1U << random() % 32;
        break;
    case 11:
        stream.digest_flip ^= std::uint64_t{1} << random() % 64;
        break;
    case 12:
        move_state(stream, random);
        break;
    case 13:
        change_size(stream, random);
        break;
    default:
        scramble(record.payload, most_payload);
    }
}

Bytes mutate(ByteView bytes, Random &random, const Scramble &scramble) {
    Stream stream = take_apart(bytes);
    for (unsigned changes = 1 + random() % 3; changes; --changes)
        mutate(stream, random, scramble);
    return stream.encode();
}

} // namespace lm::fuzz
