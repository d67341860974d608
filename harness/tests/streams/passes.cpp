// SPDX-License-Identifier: GPL-2.0-only
#include "streams/passes.hpp"

#include "util/siphash.hpp"

#include <cerrno>
#include <random>
#include <utility>

namespace lm::test {

using migration::Record;
using migration::Stream;

namespace {

template <typename T> Record make_record(std::uint16_t type, const T &payload, ByteView more = {}) {
    Record record{.type = type, .flags = NVME_LM_REC_F_MANDATORY};
    record.payload.assign(bytes_of(payload).begin(), bytes_of(payload).end());
    record.payload.insert(record.payload.end(), more.begin(), more.end());
    return record;
}

Record make_piece(std::uint64_t offset, ByteView bytes) {
    nvme_lm_state_piece head{};
    head.offset = offset;
    return make_record(NVME_LM_REC_STATE, head, bytes);
}

/// A state that becomes another one.
class Past {
  public:
    Past(Bytes last, const Passes &passes) : passes_{passes}, last_{std::move(last)} {
        now_ = last_;
        now_.resize(
            static_cast<std::size_t>(static_cast<std::int64_t>(last_.size()) + passes.first_more));
        for (std::size_t at = 0; at < now_.size(); at += passes.granule)
            if (passes.all_differ || random_() % 2)
                now_[at] ^= std::byte{0x5a};
    }

    /// Everything as it is now.
    void first_pass(std::vector<Record> &records) { send(records, 0, now_.size()); }
    /// Some granules change again, and come again.
    void another_pass(std::vector<Record> &records) {
        for (std::size_t at = 0; at + passes_.granule <= now_.size(); at += passes_.granule)
            if (at == 0 || random_() % 3 == 0) {
                now_[at + 1] ^= std::byte{0xa5};
                send(records, at, at + passes_.granule);
            }
    }
    /// What is not what it has to be in the end, in runs.
    void last_pass(std::vector<Record> &records) {
        const Bytes before = std::exchange(now_, last_);
        std::size_t run = 0;
        for (std::size_t at = 0; at < now_.size(); at += passes_.granule) {
            const std::size_t end = std::min(at + passes_.granule, now_.size());
            const bool same = end <= before.size() && (end < now_.size() || end == before.size()) &&
                              std::equal(now_.begin() + static_cast<std::ptrdiff_t>(at),
                                         now_.begin() + static_cast<std::ptrdiff_t>(end),
                                         before.begin() + static_cast<std::ptrdiff_t>(at));
            if (!same)
                continue;
            send(records, run, at);
            run = end;
        }
        send(records, run, now_.size());
    }

  private:
    void send(std::vector<Record> &records, std::size_t from, std::size_t to) const {
        for (; from < to; from += passes_.piece)
            records.push_back(
                make_piece(from, ByteView{now_}.subspan(from, std::min(passes_.piece, to - from))));
    }

    Passes passes_;
    Bytes last_;
    Bytes now_;
    std::mt19937_64 random_{passes_.seed};
};

} // namespace

Stream in_passes(const Stream &whole, const Passes &passes) {
    nvme_lm_precopy precopy{};
    precopy.granule = passes.granule;
    std::mt19937_64 random{passes.seed};
    for (__u8 &byte : precopy.key)
        byte = static_cast<__u8>(random());
    std::vector<Record> records{make_record(NVME_LM_REC_PRECOPY, precopy)};

    Past past{whole.state(), passes};
    past.first_pass(records);
    for (unsigned i = 0; i < passes.again; ++i)
        past.another_pass(records);
    past.last_pass(records);

    nvme_lm_digest digest{};
    digest.state_size = whole.state().size();
    records.push_back(make_record(NVME_LM_REC_DIGEST, digest));

    Stream stream = whole;
    const auto at = static_cast<std::ptrdiff_t>(stream.find(NVME_LM_REC_STATE));
    std::erase_if(stream.records, [](const Record &r) { return r.type == NVME_LM_REC_STATE; });
    stream.records.insert(stream.records.begin() + at, records.begin(), records.end());
    return stream;
}

namespace {

using Change = std::function<void(Stream &)>;
using Precopy = nvme_lm_precopy;
using Piece = nvme_lm_state_piece;
using Digest = nvme_lm_digest;

/// Change the stream in passes, then give it right lengths, numbers, CRCs and, where
/// its size can be one, the digest.
BadStream changed(std::string name, int error, Change change, Seen seen = Seen::by_codec) {
    return {std::move(name), error, seen, [change](const Stream &whole) {
                Stream stream = in_passes(whole);
                change(stream);
                return stream.encode();
            }};
}

/// Change one record through its structure.
template <typename T, typename F>
BadStream payload(std::string name, int error, std::uint16_t type, F f, std::size_t n = 0) {
    return changed(std::move(name), error,
                   [=](Stream &s) { s.records[s.find(type, n)].template change<T>(f); });
}

/// Change one record.
template <typename F> BadStream record(std::string name, int error, std::uint16_t type, F f) {
    return changed(std::move(name), error, [=](Stream &s) { f(s.records[s.find(type)]); });
}

/// Change the bytes as they travel.
template <typename F> BadStream raw(std::string name, int error, F f) {
    return {std::move(name), error, Seen::by_codec, [=](const Stream &whole) {
                Bytes bytes = in_passes(whole).encode();
                f(bytes);
                return bytes;
            }};
}

/// Change the stream after the digest was made, with all else right.
BadStream undigested(std::string name, Change change) {
    return {std::move(name), EBADMSG, Seen::by_codec, [change](const Stream &whole) {
                Stream stream = Stream::parse(in_passes(whole).encode());
                stream.keep_digest = true;
                change(stream);
                return stream.encode();
            }};
}

auto place(const Stream &s, std::uint16_t type, std::size_t n = 0) {
    return s.records.begin() + static_cast<std::ptrdiff_t>(s.find(type, n));
}

/// Take a record out and put it before another.
void move_before(Stream &s, std::uint16_t type, std::uint16_t other) {
    const Record moved = s.records[s.find(type)];
    s.records.erase(place(s, type));
    s.records.insert(place(s, other), moved);
}

void double_record(Stream &s, std::uint16_t type) {
    const Record copy = s.records[s.find(type)];
    s.records.insert(place(s, type), copy);
}

void drop(Stream &s, std::uint16_t type) {
    std::erase_if(s.records, [=](const Record &r) { return r.type == type; });
}

std::size_t pieces(const Stream &s) {
    return s.of_type(NVME_LM_REC_STATE).size();
}

/// The last piece of the first pass: the first one that is not followed by the next
/// offset.
std::size_t first_pass_end(const Stream &s) {
    std::size_t n = 0;
    for (std::uint64_t end = 0; n < pieces(s); ++n) {
        const Record &piece = s.records[s.find(NVME_LM_REC_STATE, n)];
        if (piece.as<Piece>().offset != end)
            break;
        end += piece.payload.size() - sizeof(Piece);
    }
    return n;
}

std::vector<BadStream> bad_precopy() {
    constexpr std::uint16_t type = NVME_LM_REC_PRECOPY;
    const auto granule = [](std::string name, std::uint32_t value) {
        return payload<Precopy>(std::move(name), EPROTO, type,
                                [=](Precopy &p) { p.granule = value; });
    };
    return {
        granule("GranuleZero", 0),
        granule("GranuleOne", 1),
        granule("GranuleHalfTheSmallest", NVME_LM_STREAM_MIN_GRANULE / 2),
        granule("GranuleTwiceTheLargest", NVME_LM_STREAM_MAX_GRANULE * 2),
        granule("GranuleNoPowerOfTwo", 3 * NVME_LM_STREAM_MIN_GRANULE),
        granule("GranuleTopBit", 0x80000000U),
        payload<Precopy>("PrecopyReserved", EPROTO, type, [](Precopy &p) { p.reserved = 1; }),
        payload<Precopy>("PrecopyReserved2First", EPROTO, type,
                         [](Precopy &p) { p.reserved2[0] = 1; }),
        payload<Precopy>("PrecopyReserved2Last", EPROTO, type,
                         [](Precopy &p) { p.reserved2[7] = 0x80; }),
        record("PrecopyTooShort", EPROTO, type, [](Record &r) { r.payload.pop_back(); }),
        record("PrecopyTooLong", EPROTO, type, [](Record &r) { r.payload.push_back({}); }),
        record("PrecopyEmpty", EPROTO, type, [](Record &r) { r.payload.clear(); }),
        record("PrecopyFlag", EPROTONOSUPPORT, type, [](Record &r) { r.flags |= 0x8000; }),
        record("PrecopyPayloadCrc", EBADMSG, type, [](Record &r) { r.payload_crc_flip = 1; }),
        changed("PrecopyTwice", EPROTO, [](Stream &s) { double_record(s, type); }),
        changed("PrecopyFirst", EPROTO,
                [](Stream &s) { move_before(s, type, NVME_LM_REC_IDENTITY); }),
        changed("PrecopyBeforeFormat", EPROTO,
                [](Stream &s) { move_before(s, type, NVME_LM_REC_FORMAT); }),
        changed("PrecopyBeforeMedium", EPROTO,
                [](Stream &s) { move_before(s, type, NVME_LM_REC_MEDIUM); }),
        changed("PrecopyBehindAState", EPROTO,
                [](Stream &s) { move_before(s, NVME_LM_REC_STATE, type); }),
        changed("PrecopyAgainBetweenPasses", EPROTO,
                [](Stream &s) {
                    const Record copy = s.records[s.find(type)];
                    s.records.insert(place(s, NVME_LM_REC_STATE, first_pass_end(s)), copy);
                }),
        changed("MediumBetweenPasses", EPROTO,
                [](Stream &s) {
                    Record more = s.records[s.find(NVME_LM_REC_MEDIUM)];
                    more.change<nvme_lm_medium>([](nvme_lm_medium &m) { m.nsid += 1; });
                    s.records.insert(place(s, NVME_LM_REC_STATE, first_pass_end(s)), more);
                }),
        changed("UnknownMandatoryBetweenPasses", EPROTONOSUPPORT,
                [](Stream &s) {
                    s.records.insert(place(s, NVME_LM_REC_STATE, first_pass_end(s)),
                                     {.type = 0x7777, .flags = NVME_LM_REC_F_MANDATORY});
                }),
    };
}

std::vector<BadStream> bad_pieces() {
    constexpr std::uint16_t type = NVME_LM_REC_STATE;
    const auto offset = [](std::string name, auto value) {
        return changed(std::move(name), EILSEQ, [=](Stream &s) {
            Record &again = s.records[s.find(type, first_pass_end(s))];
            again.change<Piece>([&](Piece &p) { p.offset = value(p.offset); });
        });
    };
    return {
        offset("PieceFourBytesOff", [](std::uint64_t o) { return o + 4; }),
        offset("PieceOneByteOff", [](std::uint64_t o) { return o + 1; }),
        offset("PieceHalfAGranuleOff", [](std::uint64_t o) { return o + 2048; }),
        offset("PieceFarAway", [](std::uint64_t) { return std::uint64_t{1} << 40; }),
        offset("PieceAtTheTop", [](std::uint64_t) { return ~std::uint64_t{0} - 4095; }),
        offset("PieceBeyondTheSign", [](std::uint64_t) { return std::uint64_t{1} << 63; }),
        changed("PieceBeyondTheEnd", EILSEQ,
                [](Stream &s) {
                    const std::uint64_t end = s.state_bytes_of_digest();
                    Record &again = s.records[s.find(type, first_pass_end(s))];
                    again.change<Piece>([&](Piece &p) { p.offset = (end + 4095) / 4096 * 4096; });
                    if (end % 4096 == 0) // that would extend the state
                        again.change<Piece>([&](Piece &p) { p.offset += 4096; });
                }),
        payload<Piece>("FirstPieceNotAtZero", EILSEQ, type, [](Piece &p) { p.offset = 4096; }),
        payload<Piece>(
            "FirstPassWithAGap", EILSEQ, type, [](Piece &p) { p.offset += 4096; }, 1),
        payload<Piece>("PieceReserved", EPROTO, type, [](Piece &p) { p.reserved = 1; }),
        changed("PieceOfNoBytes", EPROTO,
                [](Stream &s) {
                    s.records[s.find(type, first_pass_end(s))].payload.resize(sizeof(Piece));
                }),
        changed("PieceWithoutHead", EPROTO,
                [](Stream &s) { s.records[s.find(type, first_pass_end(s))].payload.resize(12); }),
        changed("FirstPassGoesOnBehindAShortPiece", EILSEQ,
                [](Stream &s) {
                    Record &first = s.records[s.find(type)];
                    first.payload.resize(first.payload.size() - 4);
                }),
        changed("GranuleCutShortAtLast", EILSEQ,
                [](Stream &s) {
                    s.records.insert(place(s, NVME_LM_REC_DIGEST),
                                     make_piece(0, Bytes(1000, std::byte{7})));
                }),
        undigested("ReplacementLeftOut",
                   [](Stream &s) { s.records.erase(place(s, type, pieces(s) - 1)); }),
        undigested("OldInThePlaceOfNew",
                   [](Stream &s) {
                       const std::size_t n = first_pass_end(s);
                       Record old = s.records[s.find(type, n)];
                       s.records.insert(place(s, NVME_LM_REC_DIGEST), old);
                   }),
        undigested("ByteOfAPieceWithRightCrc",
                   [](Stream &s) {
                       s.records[s.find(type, pieces(s) - 1)].payload.back() ^= std::byte{0x40};
                   }),
        undigested("OneGranuleInThePlaceOfAnother",
                   [](Stream &s) {
                       Record copy = s.records[s.find(type, first_pass_end(s))];
                       copy.change<Piece>([](Piece &p) { p.offset = p.offset ? 0 : 4096; });
                       s.records.insert(place(s, NVME_LM_REC_DIGEST), copy);
                   }),
        changed("PieceLost", EILSEQ,
                [](Stream &s) {
                    Record &next = s.records[s.find(type, first_pass_end(s))];
                    next.seq_shift = 1;
                }),
        changed("PieceSentTwice", EILSEQ,
                [](Stream &s) {
                    Record copy = s.records[s.find(type, first_pass_end(s))];
                    copy.seq_shift = -1;
                    s.records.insert(place(s, type, first_pass_end(s)) + 1, copy);
                }),
    };
}

/// Take the digest over the hashes in a way of its own.
template <typename F> BadStream other_digest(std::string name, F f) {
    return undigested(std::move(name), [f](Stream &s) {
        const Bytes state = s.state();
        const auto precopy = s.records[s.find(NVME_LM_REC_PRECOPY)].as<Precopy>();
        SipKey key{};
        std::ranges::copy(std::as_bytes(std::span{precopy.key}), key.begin());
        s.records[s.find(NVME_LM_REC_DIGEST)].change<Digest>(
            [&](Digest &d) { d.digest = f(key, state); });
    });
}

std::uint64_t reversed_digest(const SipKey &key, ByteView state) {
    Bytes hashes;
    for (std::size_t at = 0; at < state.size(); at += 4096) {
        const std::uint64_t hash =
            siphash24(key, state.subspan(at, std::min<std::size_t>(4096, state.size() - at)));
        hashes.insert(hashes.begin(), bytes_of(hash).begin(), bytes_of(hash).end());
    }
    return siphash24(key, hashes);
}

std::vector<BadStream> bad_digests() {
    constexpr std::uint16_t type = NVME_LM_REC_DIGEST;
    const auto size = [](std::string name, int error, auto value) {
        return payload<Digest>(std::move(name), error, type,
                               [=](Digest &d) { d.state_size = value(d.state_size); });
    };
    return {
        changed("DigestWrong", EBADMSG, [](Stream &s) { s.digest_flip = 1; }),
        changed("DigestWrongInTheTopBit", EBADMSG,
                [](Stream &s) { s.digest_flip = std::uint64_t{1} << 63; }),
        other_digest("DigestZero", [](const SipKey &, ByteView) { return std::uint64_t{0}; }),
        other_digest("DigestOfTheBytes",
                     [](const SipKey &key, ByteView state) { return siphash24(key, state); }),
        other_digest("DigestWithAnotherKey",
                     [](SipKey key, ByteView state) {
                         key[15] ^= std::byte{1};
                         return siphash24(key, state);
                     }),
        other_digest("DigestInReverse", reversed_digest),
        undigested("KeyChanged",
                   [](Stream &s) {
                       s.records[s.find(NVME_LM_REC_PRECOPY)].change<Precopy>(
                           [](Precopy &p) { p.key[0] ^= 1; });
                   }),
        size("DigestSizeZero", EPROTO, [](std::uint64_t) { return std::uint64_t{0}; }),
        size("DigestSizeNoDwords", EPROTO, [](std::uint64_t n) { return n - 2; }),
        size("DigestSizeADwordMore", EILSEQ, [](std::uint64_t n) { return n + 4; }),
        size("DigestSizeADwordLess", EILSEQ, [](std::uint64_t n) { return n - 4; }),
        size("DigestSizeAGranuleMore", EILSEQ, [](std::uint64_t n) { return n + 4096; }),
        size("DigestSizeHuge", EILSEQ, [](std::uint64_t) { return ~std::uint64_t{3}; }),
        record("DigestTooShort", EPROTO, type, [](Record &r) { r.payload.pop_back(); }),
        record("DigestTooLong", EPROTO, type, [](Record &r) { r.payload.push_back({}); }),
        record("DigestEmpty", EPROTO, type, [](Record &r) { r.payload.clear(); }),
        record("DigestFlag", EPROTONOSUPPORT, type, [](Record &r) { r.flags |= 2; }),
        record("DigestPayloadCrc", EBADMSG, type, [](Record &r) { r.payload_crc_flip = 1; }),
        changed("DigestTwice", EPROTO, [](Stream &s) { double_record(s, type); }),
        changed("DigestMissing", EPROTO, [](Stream &s) { drop(s, type); }),
        changed("StateBehindDigest", EPROTO,
                [](Stream &s) {
                    const Record copy = s.records[s.find(NVME_LM_REC_STATE, pieces(s) - 1)];
                    s.records.insert(place(s, NVME_LM_REC_END), copy);
                }),
        changed("DigestWithoutState", EPROTO, [](Stream &s) { drop(s, NVME_LM_REC_STATE); }),
        changed("PrecopyAndEnd", EPROTO,
                [](Stream &s) {
                    drop(s, NVME_LM_REC_STATE);
                    drop(s, type);
                }),
        {"DigestWithoutPrecopy", EPROTO, Seen::by_codec,
         [](Stream whole) {
             Digest digest{};
             digest.state_size = whole.state().size();
             whole.keep_digest = true;
             whole.records.insert(place(whole, NVME_LM_REC_END), make_record(type, digest));
             return whole.encode();
         }},
    };
}

std::vector<BadStream> bad_ends() {
    return {
        payload<nvme_lm_end>("EndSizeIsNotThatOfDigest", EILSEQ, NVME_LM_REC_END,
                             [](nvme_lm_end &e) { e.state_size += 4; }),
        payload<nvme_lm_end>("EndSizeZero", EILSEQ, NVME_LM_REC_END,
                             [](nvme_lm_end &e) { e.state_size = 0; }),
        changed("EndCrc", EBADMSG, [](Stream &s) { s.end_crc_flip = 0x80000000U; }),
        changed("CutBehindTheFirstPass", ENODATA,
                [](Stream &s) {
                    s.records.erase(place(s, NVME_LM_REC_STATE, first_pass_end(s)),
                                    s.records.end());
                }),
        changed("CutBehindTheLastPass", ENODATA,
                [](Stream &s) { s.records.erase(place(s, NVME_LM_REC_DIGEST), s.records.end()); }),
        changed("CutBehindDigest", ENODATA, [](Stream &s) { s.records.pop_back(); }),
        raw("CutInDigest", ENODATA, [](Bytes &b) { b.resize(b.size() - 48 - 5); }),
        raw("LastByteMissing", ENODATA, [](Bytes &b) { b.pop_back(); }),
        raw("OneByteMore", EOVERFLOW, [](Bytes &b) { b.push_back({}); }),
        raw("BitOfDigest", EBADMSG, [](Bytes &b) { b.at(b.size() - 48 - 1) ^= std::byte{1}; }),
        changed(
            "DeviceRefusesTheHeader", EREMOTEIO,
            [](Stream &s) {
                Bytes first = Stream::parse(s.encode()).state();
                first.resize(4096);
                first[0] ^= std::byte{0xff}; // VER
                s.records.insert(place(s, NVME_LM_REC_DIGEST), make_piece(0, first));
            },
            Seen::by_driver),
        changed(
            "StateEndsAtAGranuleBeforeItsEnd", EILSEQ,
            [](Stream &s) {
                s.records[s.find(NVME_LM_REC_DIGEST)].change<Digest>(
                    [](Digest &d) { d.state_size = (d.state_size - 1) / 4096 * 4096; });
                const std::uint64_t size = s.state_bytes_of_digest();
                s.records.back().change<nvme_lm_end>([&](nvme_lm_end &e) { e.state_size = size; });
            },
            Seen::by_driver),
        changed(
            "HeaderOfAnEarlierPassTellsMore", EILSEQ,
            [](Stream &s) {
                Bytes first = Stream::parse(s.encode()).state();
                first.resize(4096);
                store<std::uint64_t>(first, 32, load<std::uint64_t>(first, 32) + 1024); // VSS
                s.records.insert(place(s, NVME_LM_REC_DIGEST), make_piece(0, first));
            },
            Seen::by_driver),
    };
}

} // namespace

const std::vector<BadStream> &bad_passes() {
    static const std::vector<BadStream> all = [] {
        std::vector<BadStream> list;
        for (auto part : {bad_precopy(), bad_pieces(), bad_digests(), bad_ends()})
            list.insert(list.end(), part.begin(), part.end());
        return list;
    }();
    return all;
}

} // namespace lm::test
