// SPDX-License-Identifier: GPL-2.0-only
#include "migration/stream.hpp"

#include "util/crc32c.hpp"

#include <cstring>
#include <fmt/format.h>

namespace lm::migration {

namespace {

template <typename T> T take(ByteView bytes, std::size_t at, const char *what) {
    if (at > bytes.size() || bytes.size() - at < sizeof(T))
        throw MalformedStream{
            fmt::format("the stream of {} bytes ends inside of {} at {}", bytes.size(), what, at)};
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    return value;
}

void expect(bool condition, const std::string &what) {
    if (!condition)
        throw MalformedStream{what};
}

std::uint32_t header_crc(nvme_lm_stream_header header, ByteView rest) {
    header.crc = 0;
    return crc32c(rest, crc32c(bytes_of(header)));
}

std::uint32_t record_crc(const nvme_lm_record &record) {
    return crc32c(bytes_of(record).first(offsetof(nvme_lm_record, crc)));
}

void append(Bytes &out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Check the header and return where the first record is.
std::size_t parse_header(ByteView bytes, Stream &stream) {
    stream.header = take<nvme_lm_stream_header>(bytes, 0, "the header");
    const nvme_lm_stream_header &h = stream.header;
    expect(std::memcmp(h.magic, NVME_LM_STREAM_MAGIC, sizeof(h.magic)) == 0, "the magic is wrong");
    expect(h.version == NVME_LM_STREAM_VERSION, fmt::format("version {} is not 1", h.version));
    expect(h.header_len >= sizeof(h) && h.header_len <= bytes.size(),
           "header_len is out of bounds");
    expect(h.flags == 0, fmt::format("header flags {:#x} are not 0", h.flags));
    expect(all_zero(std::as_bytes(std::span{h.reserved})),
           "reserved bytes of the header are not 0");
    const ByteView rest = bytes.subspan(sizeof(h), h.header_len - sizeof(h));
    stream.header_rest.assign(rest.begin(), rest.end());
    expect(h.crc == header_crc(h, rest), "the header's CRC is wrong");
    return h.header_len;
}

/// Check one record and return where the next one is.
std::size_t parse_record(ByteView bytes, std::size_t at, Stream &stream) {
    const auto number = stream.records.size();
    const auto r = take<nvme_lm_record>(bytes, at, "a record header");
    expect(r.crc == record_crc(r),
           fmt::format("record {}: the CRC of its header is wrong", number));
    expect(r.seq == number, fmt::format("record {} has the number {}", number, r.seq));
    expect(r.length <= NVME_LM_STREAM_MAX_PAYLOAD,
           fmt::format("record {}: {} bytes are too long", number, r.length));
    expect(r.reserved == 0 && r.reserved2[0] == 0 && r.reserved2[1] == 0,
           fmt::format("record {}: reserved fields are not 0", number));
    expect((r.flags & ~NVME_LM_REC_F_MANDATORY) == 0,
           fmt::format("record {}: unknown flags {:#x}", number, r.flags));
    at += sizeof(r);
    expect(bytes.size() - at >= r.length, fmt::format("record {} ends too early", number));
    const ByteView payload = bytes.subspan(at, r.length);
    expect(r.payload_crc == crc32c(payload),
           fmt::format("record {}: the CRC of its payload is wrong", number));
    stream.records.push_back(
        {.type = r.type, .flags = r.flags, .payload = {payload.begin(), payload.end()}});
    stream.seqs.push_back(r.seq);
    return at + r.length;
}

/// header, IDENTITY, FORMAT, MEDIUM * n, STATE * m, END; or with PRECOPY before the
/// first STATE, and DIGEST before END.
void check_order(const Stream &stream) {
    const auto rank = [](std::uint16_t type) {
        switch (type) {
        case NVME_LM_REC_IDENTITY:
            return 0;
        case NVME_LM_REC_FORMAT:
            return 1;
        case NVME_LM_REC_MEDIUM:
            return 2;
        case NVME_LM_REC_PRECOPY:
            return 3;
        case NVME_LM_REC_STATE:
            return 4;
        case NVME_LM_REC_DIGEST:
            return 5;
        case NVME_LM_REC_END:
            return 6;
        default:
            throw MalformedStream{fmt::format("record type {:#x} is unknown", type)};
        }
    };
    int last = -1;
    for (const Record &record : stream.records) {
        expect(rank(record.type) >= last, "records are out of order");
        last = rank(record.type);
    }
    for (std::uint16_t type : {NVME_LM_REC_IDENTITY, NVME_LM_REC_FORMAT, NVME_LM_REC_END})
        expect(stream.of_type(type).size() == 1,
               fmt::format("record {:#x} is not there once", type));
    expect(!stream.of_type(NVME_LM_REC_STATE).empty(), "there is no state");
    const std::size_t passes = stream.of_type(NVME_LM_REC_PRECOPY).size();
    expect(passes <= 1, "PRECOPY is there more than once");
    expect(stream.of_type(NVME_LM_REC_DIGEST).size() == passes,
           "DIGEST is there once with PRECOPY, and never without");
}

/// Fixed payloads have their size, and reserved fields of theirs are 0.
void check_payloads(const Stream &stream) {
    std::uint32_t last_nsid = 0;
    for (const Record &record : stream.records) {
        const ByteView payload = record.payload;
        switch (record.type) {
        case NVME_LM_REC_IDENTITY:
            expect(payload.size() == sizeof(nvme_lm_identity), "IDENTITY has the wrong size");
            expect(all_zero(slice(payload, offsetof(nvme_lm_identity, reserved), 14)) &&
                       all_zero(slice(payload, offsetof(nvme_lm_identity, reserved2), 4)),
                   "IDENTITY: reserved bytes are not 0");
            break;
        case NVME_LM_REC_FORMAT:
            expect(payload.size() == sizeof(nvme_lm_format), "FORMAT has the wrong size");
            expect(all_zero(slice(payload, offsetof(nvme_lm_format, reserved), 14)),
                   "FORMAT: reserved bytes are not 0");
            break;
        case NVME_LM_REC_MEDIUM: {
            expect(payload.size() == sizeof(nvme_lm_medium), "MEDIUM has the wrong size");
            const auto medium = record.as<nvme_lm_medium>();
            expect(medium.nsid > last_nsid, "MEDIUM: the NSIDs do not ascend");
            expect((medium.flags & ~NVME_LM_MEDIUM_F_SHARED) == 0, "MEDIUM: unknown flags");
            expect(medium.reserved[0] == 0 && medium.reserved[1] == 0,
                   "MEDIUM: reserved bytes are not 0");
            last_nsid = medium.nsid;
            break;
        }
        case NVME_LM_REC_PRECOPY:
            expect(payload.size() == sizeof(nvme_lm_precopy), "PRECOPY has the wrong size");
            break;
        case NVME_LM_REC_DIGEST:
            expect(payload.size() == sizeof(nvme_lm_digest), "DIGEST has the wrong size");
            break;
        case NVME_LM_REC_END:
            expect(payload.size() == sizeof(nvme_lm_end), "END has the wrong size");
            break;
        default:
            break;
        }
    }
}

/// END tells the size of the state, and the CRC of all that comes before it.
void check_end(ByteView bytes, std::size_t end_at, const Stream &stream) {
    const auto end = stream.records.back().as<nvme_lm_end>();
    expect(end.reserved == 0, "END: reserved is not 0");
    expect(end.crc == crc32c(bytes.first(end_at)), "END: the CRC of the stream is wrong");
    expect(end.state_size == stream.state().size(),
           fmt::format("END says {} bytes of state, and there are {}", end.state_size,
                       stream.state().size()));
}

} // namespace

Stream Stream::parse(ByteView bytes) {
    Stream stream;
    std::size_t at = parse_header(bytes, stream);
    std::size_t end_at = at;
    while (stream.records.empty() || stream.records.back().type != NVME_LM_REC_END) {
        end_at = at;
        at = parse_record(bytes, at, stream);
    }
    expect(at == bytes.size(), fmt::format("{} bytes follow END", bytes.size() - at));
    check_order(stream);
    check_payloads(stream);
    check_end(bytes, end_at, stream);
    return stream;
}

Stream Stream::parse_so_far(ByteView bytes, std::size_t &rest) {
    Stream stream;
    std::size_t at = parse_header(bytes, stream);
    while (bytes.size() - at >= sizeof(nvme_lm_record)) {
        const auto r = take<nvme_lm_record>(bytes, at, "a record header");
        if (bytes.size() - at - sizeof(r) < r.length)
            break;
        at = parse_record(bytes, at, stream);
    }
    rest = bytes.size() - at;
    return stream;
}

Bytes Stream::encode() const {
    nvme_lm_stream_header h = header;
    h.crc = header_crc(h, header_rest) ^ header_crc_flip;
    Bytes out;
    append(out, bytes_of(h));
    append(out, header_rest);
    for (std::size_t i = 0; i < records.size(); ++i) {
        Record record = records[i];
        if (record.type == NVME_LM_REC_DIGEST && !keep_digest)
            fill_digest(record);
        if (record.type == NVME_LM_REC_END && record.payload.size() == sizeof(nvme_lm_end))
            record.change<nvme_lm_end>(
                [&](nvme_lm_end &end) { end.crc = crc32c(out) ^ end_crc_flip; });
        nvme_lm_record r{};
        r.type = record.type;
        r.flags = record.flags;
        r.seq = static_cast<std::uint32_t>((keep_seq ? seqs.at(i) : i) + record.seq_shift);
        r.length = static_cast<std::uint32_t>(record.payload.size() + record.length_shift);
        r.reserved = record.reserved;
        r.reserved2[0] = record.reserved2;
        r.payload_crc = crc32c(record.payload) ^ record.payload_crc_flip;
        r.crc = record_crc(r) ^ record.crc_flip;
        append(out, bytes_of(r));
        append(out, record.payload);
    }
    return out;
}

std::vector<const Record *> Stream::of_type(std::uint16_t type) const {
    std::vector<const Record *> found;
    for (const Record &record : records)
        if (record.type == type)
            found.push_back(&record);
    return found;
}

std::size_t Stream::find(std::uint16_t type, std::size_t n) const {
    for (std::size_t i = 0; i < records.size(); ++i)
        if (records[i].type == type && n-- == 0)
            return i;
    throw std::out_of_range{fmt::format("the stream has not that many records {:#x}", type)};
}

Assembly Stream::assembly() const {
    Assembly assembly{records[find(NVME_LM_REC_PRECOPY)].as<nvme_lm_precopy>()};
    for (const Record *record : of_type(NVME_LM_REC_STATE)) {
        const auto piece = record->as<nvme_lm_state_piece>();
        expect(piece.reserved == 0, "STATE: reserved is not 0");
        assembly.add(piece.offset, ByteView{record->payload}.subspan(sizeof(piece)));
    }
    return assembly;
}

void Stream::fill_digest(Record &record) const {
    try {
        record.change<nvme_lm_digest>([&](nvme_lm_digest &digest) {
            digest.digest = assembly().digest(digest.state_size) ^ digest_flip;
        });
    } catch (const std::exception &) {
        // A stream that is meant to be bad keeps what stands there.
    }
}

Bytes Stream::state() const {
    if (has_passes()) {
        const auto digest = records[find(NVME_LM_REC_DIGEST)].as<nvme_lm_digest>();
        const Assembly whole = assembly();
        expect(digest.digest == whole.digest(digest.state_size), "DIGEST: the digest is wrong");
        return whole.state(digest.state_size);
    }
    Bytes state;
    for (const Record *record : of_type(NVME_LM_REC_STATE)) {
        const auto piece = record->as<nvme_lm_state_piece>();
        expect(piece.reserved == 0, "STATE: reserved is not 0");
        expect(piece.offset == state.size(),
               fmt::format("STATE: offset {} and not {}", piece.offset, state.size()));
        append(state, ByteView{record->payload}.subspan(sizeof(piece)));
    }
    return state;
}

} // namespace lm::migration
