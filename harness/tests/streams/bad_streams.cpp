// SPDX-License-Identifier: GPL-2.0-only
#include "streams/bad_streams.hpp"

#include <cerrno>

namespace lm::test {

using migration::Record;
using migration::Stream;

void PrintTo(const BadStream &bad, std::ostream *out) {
    *out << bad.name;
}

Stream with_pieces(Stream stream, std::size_t size) {
    const Bytes state = stream.state();
    const std::size_t first = stream.find(NVME_LM_REC_STATE);
    const std::uint16_t flags = stream.records[first].flags;
    std::erase_if(stream.records, [](const Record &r) { return r.type == NVME_LM_REC_STATE; });
    std::vector<Record> pieces;
    for (std::size_t at = 0; at < state.size(); at += size) {
        nvme_lm_state_piece head{};
        head.offset = at;
        const ByteView bytes = ByteView{state}.subspan(at, std::min(size, state.size() - at));
        Record piece{.type = NVME_LM_REC_STATE, .flags = flags};
        piece.payload.assign(bytes_of(head).begin(), bytes_of(head).end());
        piece.payload.insert(piece.payload.end(), bytes.begin(), bytes.end());
        pieces.push_back(std::move(piece));
    }
    stream.records.insert(stream.records.begin() + static_cast<std::ptrdiff_t>(first),
                          pieces.begin(), pieces.end());
    return stream;
}

namespace {

using Change = std::function<void(Stream &)>;

/// Change the stream, then give it right lengths, numbers and CRCs again.
BadStream changed(std::string name, int error, Change change, Seen seen = Seen::by_codec) {
    return {std::move(name), error, seen, [change](Stream stream) {
                change(stream);
                return stream.encode();
            }};
}

/// Change one record.
template <typename F>
BadStream record(std::string name, int error, std::uint16_t type, F f, Seen seen = Seen::by_codec) {
    return changed(std::move(name), error, [=](Stream &s) { f(s.records[s.find(type)]); }, seen);
}

/// Change one record through its structure.
template <typename T, typename F>
BadStream payload(std::string name, int error, std::uint16_t type, Seen seen, F f) {
    return record(std::move(name), error, type, [=](Record &r) { r.change<T>(f); }, seen);
}

/// Change the bytes as they travel, with no CRC put right.
template <typename F> BadStream raw(std::string name, int error, F f) {
    return {std::move(name), error, Seen::by_codec, [=](Stream stream) {
                Bytes bytes = stream.encode();
                f(bytes);
                return bytes;
            }};
}

void flip(Bytes &bytes, std::size_t at) {
    bytes.at(at) ^= std::byte{0x01};
}

/// Insert a copy of a record behind it.
void double_record(Stream &s, std::uint16_t type) {
    const std::size_t at = s.find(type);
    const Record copy = s.records[at];
    s.records.insert(s.records.begin() + static_cast<std::ptrdiff_t>(at), copy);
}

void drop_record(Stream &s, std::uint16_t type, std::size_t n = 0) {
    s.records.erase(s.records.begin() + static_cast<std::ptrdiff_t>(s.find(type, n)));
}

/// Take a record away without renumbering the others, as a lost one.
void lose_record(Stream &s, std::uint16_t type, std::size_t n = 0) {
    const auto at = static_cast<std::ptrdiff_t>(s.find(type, n));
    s.records.erase(s.records.begin() + at);
    s.seqs.clear();
    for (std::uint32_t i = 0; i < s.records.size(); ++i)
        s.seqs.push_back(i < at ? i : i + 1);
    s.keep_seq = true;
}

void insert_unknown(Stream &s, std::uint16_t flags) {
    const auto at = static_cast<std::ptrdiff_t>(s.find(NVME_LM_REC_STATE));
    s.records.insert(s.records.begin() + at,
                     {.type = 0x7777, .flags = flags, .payload = Bytes(24, std::byte{1})});
}

std::vector<BadStream> bad_headers() {
    return {
        changed("Magic", ENOMSG, [](Stream &s) { s.header.magic[0] = 'X'; }),
        changed("MagicLastByte", ENOMSG, [](Stream &s) { s.header.magic[7] = 'X'; }),
        changed("Version0", EPROTONOSUPPORT, [](Stream &s) { s.header.version = 0; }),
        changed("Version2", EPROTONOSUPPORT, [](Stream &s) { s.header.version = 2; }),
        changed("HeaderFlag", EPROTONOSUPPORT, [](Stream &s) { s.header.flags = 0x8000; }),
        changed("HeaderReserved", EPROTO, [](Stream &s) { s.header.reserved[11] = 1; }),
        changed("HeaderTooShort", EPROTO, [](Stream &s) { s.header.header_len = 31; }),
        changed("HeaderTooLong", EPROTO,
                [](Stream &s) { s.header.header_len = NVME_LM_STREAM_MAX_HEADER + 1; }),
        changed("HeaderCrc", EBADMSG, [](Stream &s) { s.header_crc_flip = 1; }),
        changed("HeaderRestNotInCrc", EBADMSG,
                [](Stream &s) {
                    s.header_rest.assign(8, std::byte{7});
                    s.header.header_len = 40;
                    s.header_crc_flip = 0x80000000U;
                }),
        changed(
            "CommandSetUnknown", EOPNOTSUPP, [](Stream &s) { s.header.command_set = 9; },
            Seen::by_driver),
        changed(
            "CommandSetOfAnotherKind", EOPNOTSUPP,
            [](Stream &s) {
                s.header.command_set =
                    s.header.command_set == NVME_LM_CS_IPU ? NVME_LM_CS_STANDARD : NVME_LM_CS_IPU;
            },
            Seen::by_driver),
    };
}

std::vector<BadStream> bad_records() {
    return {
        record("RecordCrc", EBADMSG, NVME_LM_REC_IDENTITY, [](Record &r) { r.crc_flip = 2; }),
        record("PayloadCrc", EBADMSG, NVME_LM_REC_FORMAT,
               [](Record &r) { r.payload_crc_flip = 4; }),
        record("StatePayloadCrc", EBADMSG, NVME_LM_REC_STATE,
               [](Record &r) { r.payload_crc_flip = 0x10; }),
        record("RecordFlag", EPROTONOSUPPORT, NVME_LM_REC_FORMAT,
               [](Record &r) { r.flags |= 0x100; }),
        record("RecordReserved", EPROTO, NVME_LM_REC_FORMAT, [](Record &r) { r.reserved = 1; }),
        record("RecordReserved2", EPROTO, NVME_LM_REC_MEDIUM, [](Record &r) { r.reserved2 = 1; }),
        record("SequenceJumps", EILSEQ, NVME_LM_REC_FORMAT, [](Record &r) { r.seq_shift = 1; }),
        record("SequenceGoesBack", EILSEQ, NVME_LM_REC_STATE, [](Record &r) { r.seq_shift = -1; }),
        record("LengthBeyondLimit", EPROTO, NVME_LM_REC_STATE,
               [](Record &r) { r.length_shift = NVME_LM_STREAM_MAX_PAYLOAD; }),
        record("LengthHuge", EPROTO, NVME_LM_REC_STATE,
               [](Record &r) { r.length_shift = 0xf0000000; }),
        record("IdentityTooShort", EPROTO, NVME_LM_REC_IDENTITY,
               [](Record &r) { r.payload.pop_back(); }),
        record("IdentityTooLong", EPROTO, NVME_LM_REC_IDENTITY,
               [](Record &r) { r.payload.push_back({}); }),
        record("FormatEmpty", EPROTO, NVME_LM_REC_FORMAT, [](Record &r) { r.payload.clear(); }),
        record("MediumTooLong", EPROTO, NVME_LM_REC_MEDIUM,
               [](Record &r) { r.payload.resize(65); }),
        record("StateWithoutBytes", EPROTO, NVME_LM_REC_STATE,
               [](Record &r) { r.payload.resize(16); }),
        record("StateWithoutHead", EPROTO, NVME_LM_REC_STATE,
               [](Record &r) { r.payload.resize(8); }),
        record("EndTooShort", EPROTO, NVME_LM_REC_END, [](Record &r) { r.payload.resize(12); }),
        changed("UnknownMandatory", EPROTONOSUPPORT,
                [](Stream &s) { insert_unknown(s, NVME_LM_REC_F_MANDATORY); }),
        record("UnknownFirst", EPROTONOSUPPORT, NVME_LM_REC_IDENTITY,
               [](Record &r) {
                   r.type = 0x7777;
                   r.flags = NVME_LM_REC_F_MANDATORY;
               }),
    };
}

std::vector<BadStream> bad_order() {
    return {
        changed("IdentityMissing", EPROTO, [](Stream &s) { drop_record(s, NVME_LM_REC_IDENTITY); }),
        changed("IdentityTwice", EPROTO, [](Stream &s) { double_record(s, NVME_LM_REC_IDENTITY); }),
        changed("FormatMissing", EPROTO, [](Stream &s) { drop_record(s, NVME_LM_REC_FORMAT); }),
        changed("FormatTwice", EPROTO, [](Stream &s) { double_record(s, NVME_LM_REC_FORMAT); }),
        changed("IdentityBehindFormat", EPROTO,
                [](Stream &s) { std::swap(s.records[0], s.records[1]); }),
        changed("MediumTwice", EPROTO, [](Stream &s) { double_record(s, NVME_LM_REC_MEDIUM); }),
        changed("MediumBehindState", EPROTO,
                [](Stream &s) {
                    Record more = s.records[s.find(NVME_LM_REC_MEDIUM)];
                    more.change<nvme_lm_medium>([](nvme_lm_medium &m) { m.nsid += 1; });
                    const auto at = static_cast<std::ptrdiff_t>(s.find(NVME_LM_REC_STATE));
                    s.records.insert(s.records.begin() + at + 1, more);
                }),
        changed("EndWithoutState", EPROTO,
                [](Stream &s) {
                    std::erase_if(s.records,
                                  [](const Record &r) { return r.type == NVME_LM_REC_STATE; });
                }),
        changed("StateLost", EILSEQ, [](Stream &s) { lose_record(s, NVME_LM_REC_STATE); }),
        changed("StateDroppedAndRenumbered", EILSEQ,
                [](Stream &s) { drop_record(s, NVME_LM_REC_STATE); }),
        changed("StateTwice", EILSEQ, [](Stream &s) { double_record(s, NVME_LM_REC_STATE); }),
        changed("StateSwapped", EILSEQ,
                [](Stream &s) {
                    std::swap(s.records[s.find(NVME_LM_REC_STATE, 0)],
                              s.records[s.find(NVME_LM_REC_STATE, 1)]);
                }),
        payload<nvme_lm_state_piece>("StateOverlap", EILSEQ, NVME_LM_REC_STATE, Seen::by_codec,
                                     [](nvme_lm_state_piece &p) { p.offset = 4; }),
        payload<nvme_lm_state_piece>("StateFarAway", EILSEQ, NVME_LM_REC_STATE, Seen::by_codec,
                                     [](nvme_lm_state_piece &p) { p.offset = ~0ULL; }),
        payload<nvme_lm_state_piece>("StateReserved", EPROTO, NVME_LM_REC_STATE, Seen::by_codec,
                                     [](nvme_lm_state_piece &p) { p.reserved = 1; }),
        payload<nvme_lm_end>("EndSize", EILSEQ, NVME_LM_REC_END, Seen::by_codec,
                             [](nvme_lm_end &e) { e.state_size += 4; }),
        payload<nvme_lm_end>("EndReserved", EPROTO, NVME_LM_REC_END, Seen::by_codec,
                             [](nvme_lm_end &e) { e.reserved = 1; }),
        changed("EndCrc", EBADMSG, [](Stream &s) { s.end_crc_flip = 1; }),
    };
}

std::vector<BadStream> bad_lengths() {
    return {
        raw("Nothing", ENODATA, [](Bytes &b) { b.clear(); }),
        raw("HeaderCut", ENODATA, [](Bytes &b) { b.resize(20); }),
        raw("HeaderOnly", ENODATA, [](Bytes &b) { b.resize(32); }),
        raw("CutInARecord", ENODATA, [](Bytes &b) { b.resize(b.size() / 2); }),
        changed("EndMissing", ENODATA, [](Stream &s) { drop_record(s, NVME_LM_REC_END); }),
        raw("LastByteMissing", ENODATA, [](Bytes &b) { b.pop_back(); }),
        raw("OneByteMore", EOVERFLOW, [](Bytes &b) { b.push_back({}); }),
        raw("StreamTwice", EOVERFLOW,
            [](Bytes &b) {
                const Bytes copy = b;
                b.insert(b.end(), copy.begin(), copy.end());
            }),
        raw("BitOfIdentity", EBADMSG, [](Bytes &b) { flip(b, 32 + 32 + 40); }),
        raw("BitOfState", EBADMSG, [](Bytes &b) { flip(b, b.size() - 48 - 1); }),
        raw("BitOfEndCrc", EBADMSG, [](Bytes &b) { flip(b, b.size() - 8); }),
    };
}

std::vector<BadStream> bad_contents() {
    constexpr auto d = Seen::by_driver;
    using Id = nvme_lm_identity;
    using Medium = nvme_lm_medium;
    const std::uint16_t id = NVME_LM_REC_IDENTITY;
    const std::uint16_t medium = NVME_LM_REC_MEDIUM;
    return {
        payload<Id>("OtherVendor", EXDEV, id, d, [](Id &i) { i.vid ^= 1; }),
        payload<Id>("OtherDevice", EXDEV, id, d, [](Id &i) { i.did ^= 1; }),
        payload<Id>("OtherSubsystemVendor", EXDEV, id, d, [](Id &i) { i.ssvid ^= 1; }),
        payload<Id>("OtherSubsystemDevice", EXDEV, id, d, [](Id &i) { i.ssid ^= 1; }),
        payload<Id>("OtherClass", EXDEV, id, d, [](Id &i) { i.class_code ^= 1; }),
        payload<Id>("OtherSerial", EXDEV, id, d, [](Id &i) { i.sn[0] ^= 1; }),
        payload<Id>("OtherModel", EXDEV, id, d, [](Id &i) { i.mn[39] ^= 1; }),
        payload<Id>("OtherFirmware", EXDEV, id, d, [](Id &i) { i.fr[0] ^= 1; }),
        payload<Id>("OtherSubsystem", EXDEV, id, d, [](Id &i) { i.subnqn[3] ^= 1; }),
        payload<Id>("MoreQueues", EXDEV, id, d, [](Id &i) { i.nvq += 1; }),
        payload<Id>("MoreVectors", EXDEV, id, d, [](Id &i) { i.nvi += 1; }),
        payload<Id>("IdentityReserved", EPROTO, id, Seen::by_codec,
                    [](Id &i) { i.reserved[0] = 1; }),
        payload<nvme_lm_format>("OtherFormatVersion", EOPNOTSUPP, NVME_LM_REC_FORMAT, d,
                                [](nvme_lm_format &f) { f.version = 7; }),
        payload<nvme_lm_format>("OtherFormatUuid", EOPNOTSUPP, NVME_LM_REC_FORMAT, d,
                                [](nvme_lm_format &f) { f.uuid[5] ^= 1; }),
        changed(
            "MediumLeftOut", ENOMEDIUM, [](Stream &s) { drop_record(s, NVME_LM_REC_MEDIUM); }, d),
        changed(
            "MediumTooMany", ENOMEDIUM,
            [](Stream &s) {
                const std::size_t at = s.find(NVME_LM_REC_MEDIUM);
                Record more = s.records[at];
                more.change<Medium>([](Medium &m) { m.nsid += 1; });
                s.records.insert(s.records.begin() + static_cast<std::ptrdiff_t>(at) + 1, more);
            },
            d),
        payload<Medium>("OtherNsid", ENOMEDIUM, medium, d, [](Medium &m) { m.nsid += 5; }),
        payload<Medium>("NsidZero", EPROTO, medium, Seen::by_codec, [](Medium &m) { m.nsid = 0; }),
        payload<Medium>("OtherNguid", EMEDIUMTYPE, medium, d, [](Medium &m) { m.nguid[0] ^= 1; }),
        payload<Medium>("OtherEui64", EMEDIUMTYPE, medium, d, [](Medium &m) { m.eui64[7] ^= 1; }),
        payload<Medium>("OtherUuid", EMEDIUMTYPE, medium, d, [](Medium &m) { m.uuid[15] ^= 1; }),
        payload<Medium>("OtherSize", EMEDIUMTYPE, medium, d, [](Medium &m) { m.nsze += 1; }),
        payload<Medium>("OtherBlockSize", EMEDIUMTYPE, medium, d, [](Medium &m) { m.lbads += 3; }),
        payload<Medium>("OtherCommandSet", EMEDIUMTYPE, medium, d, [](Medium &m) { m.csi = 2; }),
        payload<Medium>("OtherFormattedSize", EMEDIUMTYPE, medium, d,
                        [](Medium &m) { m.flbas ^= 1; }),
        payload<Medium>("OtherProtection", EMEDIUMTYPE, medium, d, [](Medium &m) { m.dps ^= 1; }),
        payload<Medium>("OtherMetadata", EMEDIUMTYPE, medium, d, [](Medium &m) { m.ms = 8; }),
        payload<Medium>("NotShared", EMEDIUMTYPE, medium, d, [](Medium &m) { m.flags = 0; }),
        payload<Medium>("MediumFlagUnknown", EPROTO, medium, Seen::by_codec,
                        [](Medium &m) { m.flags |= 2; }),
        payload<Medium>("MediumReserved", EPROTO, medium, Seen::by_codec,
                        [](Medium &m) { m.reserved[0] = 1; }),
        payload<Medium>("NoIdentifierAtAll", EMEDIUMTYPE, medium, d,
                        [](Medium &m) {
                            std::ranges::fill(m.eui64, std::uint8_t{0});
                            std::ranges::fill(m.nguid, std::uint8_t{0});
                            std::ranges::fill(m.uuid, std::uint8_t{0});
                        }),
        record(
            "DeviceRefusesState", EREMOTEIO, NVME_LM_REC_STATE,
            [](Record &r) { r.payload.at(16) ^= std::byte{0xff}; }, d),
    };
}

/// A state whose own header tells another length than the stream.
std::vector<BadStream> bad_state_lengths() {
    constexpr std::size_t head = sizeof(nvme_lm_state_piece);
    const auto count = [](std::string name, std::size_t at, auto change) {
        return record(
            std::move(name), EILSEQ, NVME_LM_REC_STATE,
            [=](Record &r) {
                store<std::uint64_t>(r.payload, head + at,
                                     change(load<std::uint64_t>(r.payload, head + at)));
            },
            Seen::by_driver);
    };
    const auto add = [](std::uint64_t n) { return [n](std::uint64_t old) { return old + n; }; };
    return {
        count("NvmecssADwordMore", 16, add(1)),
        count("NvmecssADwordLess", 16, add(~std::uint64_t{0})),
        count("NvmecssHighHalf", 24, add(1)),
        count("VssADwordMore", 32, add(1)),
        count("VssADwordLess", 32, add(~std::uint64_t{0})),
        count("VssHuge", 32, add(std::uint64_t{1} << 62)),
        count("VssHighHalf", 40, add(std::uint64_t{1} << 63)),
        changed(
            "StateCutByADword", EILSEQ,
            [](Stream &s) {
                Record &last =
                    s.records[s.find(NVME_LM_REC_STATE, s.of_type(NVME_LM_REC_STATE).size() - 1)];
                last.payload.resize(last.payload.size() - 4);
                s.records.back().change<nvme_lm_end>([](nvme_lm_end &e) { e.state_size -= 4; });
            },
            Seen::by_driver),
        changed(
            "StateWithADwordMore", EILSEQ,
            [](Stream &s) {
                Record &last =
                    s.records[s.find(NVME_LM_REC_STATE, s.of_type(NVME_LM_REC_STATE).size() - 1)];
                last.payload.resize(last.payload.size() + 4);
                s.records.back().change<nvme_lm_end>([](nvme_lm_end &e) { e.state_size += 4; });
            },
            Seen::by_driver),
        changed(
            "StateShorterThanItsHeader", EILSEQ,
            [](Stream &s) {
                s.records[s.find(NVME_LM_REC_STATE)].payload.resize(head + 44);
                const auto first = static_cast<std::ptrdiff_t>(s.find(NVME_LM_REC_STATE));
                s.records.erase(s.records.begin() + first + 1, s.records.end() - 1);
                s.records.back().change<nvme_lm_end>([](nvme_lm_end &e) { e.state_size = 44; });
            },
            Seen::by_driver),
    };
}

} // namespace

const std::vector<BadStream> &bad_streams() {
    static const std::vector<BadStream> all = [] {
        std::vector<BadStream> list;
        for (auto part : {bad_headers(), bad_records(), bad_order(), bad_lengths(), bad_contents(),
                          bad_state_lengths()})
            list.insert(list.end(), part.begin(), part.end());
        return list;
    }();
    return all;
}

} // namespace lm::test
