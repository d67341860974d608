// SPDX-License-Identifier: GPL-2.0-only
/// Fuzzing of the driver's stream decoder, with libFuzzer, ASan and UBSan.
///
/// What has to hold for any bytes:
///   - nothing is read or written out of bounds, and nothing is undefined;
///   - in pieces of any size they give what they give at once;
///   - an error stays, and no event follows it;
///   - no more state is given out than was asked for;
///   - what is taken, the harness's own reader takes as well, with the same state.
/// With FUZZ_GOOD set all inputs are good streams, which have to be taken.
#include "fuzz/mutator.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

extern "C" {
#include "stream.h"
}

namespace lm::fuzz {
namespace {

constexpr std::uint64_t most_state = 20000; ///< small enough for inputs to exceed it

/// What the decoder made of some bytes.
struct Outcome {
    int error = 0;
    bool ended = false;
    unsigned events = 0;
    unsigned skipped = 0;
    Bytes state;
    bool operator==(const Outcome &) const = default;
};

void require(bool condition, const char *what) {
    if (condition)
        return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

/// Room for a payload. On the heap by itself, so that ASan knows its end.
u8 *room() {
    static const auto buffer = std::make_unique<u8[]>(NVME_LM_STREAM_MAX_PAYLOAD);
    return buffer.get();
}

/// The decoder, with as much room for granules as it asks for and no more.
struct Decoder : nvme_lm_decoder {
    Decoder();
    std::vector<__le64> hash_of;
    std::vector<u32> length_of;
};

extern "C" int make_room(nvme_lm_decoder *decoder, u64 count) {
    auto *self = static_cast<Decoder *>(decoder);
    require(count > self->granule_room && count <= most_state / NVME_LM_STREAM_MIN_GRANULE + 1,
            "no more granules than the state may have");
    self->hash_of.resize(count);
    self->hash_of.shrink_to_fit();
    self->length_of.resize(count);
    self->length_of.shrink_to_fit();
    self->hashes = self->hash_of.data();
    self->lengths = self->length_of.data();
    self->granule_room = count;
    return 0;
}

Decoder::Decoder() {
    nvme_lm_decoder_init(this, room(), NVME_LM_STREAM_MAX_PAYLOAD, most_state);
    make_room = fuzz::make_room;
}

/// Put the bytes of a STATE record where they belong.
void put_state(const nvme_lm_decoder &dec, Outcome &outcome) {
    require(dec.length > sizeof(nvme_lm_state_piece), "a piece of state has bytes");
    const auto piece =
        std::as_bytes(std::span{dec.payload, dec.length - sizeof(nvme_lm_state_piece)});
    const std::uint64_t at = dec.piece.offset;
    require(at <= outcome.state.size(), "no gap is left in the state");
    require(piece.size() <= most_state && at <= most_state - piece.size(), "state is bounded");
    outcome.state.resize(std::max(outcome.state.size(), at + piece.size()));
    std::memcpy(outcome.state.data() + at, piece.data(), piece.size());
}

/// Keep account of one event.
void note(const nvme_lm_decoder &dec, int event, Outcome &outcome) {
    require(!outcome.ended || event == NVME_LM_DECODE_MORE, "nothing follows END");
    outcome.events += event != NVME_LM_DECODE_MORE;
    outcome.ended |= event == NVME_LM_DECODE_END;
    if (event == NVME_LM_DECODE_END) {
        require(dec.state_size <= outcome.state.size(), "the state is all there");
        outcome.state.resize(dec.state_size);
    }
    if (event != NVME_LM_DECODE_RECORD)
        return;
    require(dec.length <= NVME_LM_STREAM_MAX_PAYLOAD, "a payload fits the room");
    if (dec.type == NVME_LM_REC_STATE)
        put_state(dec, outcome);
}

/// The same errno again, whatever comes after it.
void require_error_stays(nvme_lm_decoder &dec) {
    std::uint32_t len = 1;
    const u8 more[4]{};
    std::size_t used = 0;
    require(nvme_lm_decoder_window(&dec, &len) == nullptr && len == 0, "no window after an error");
    require(nvme_lm_decoder_push(&dec, more, sizeof(more), &used) == dec.error && used == 0,
            "an error stays");
    require(nvme_lm_decoder_finish(&dec) == dec.error, "an error stays to the end");
    require(dec.complaint.what != nullptr, "an error has a reason");
}

/// Through push(), everything at once.
Outcome decode_whole(ByteView bytes) {
    Outcome outcome;
    Decoder dec;
    int event = 0;
    while (event >= 0 && !bytes.empty()) {
        std::size_t used = 0;
        event = nvme_lm_decoder_push(&dec, bytes.data(), bytes.size(), &used);
        require(used <= bytes.size() && (used || event < 0), "push() gets on");
        bytes = bytes.subspan(used);
        if (event >= 0)
            note(dec, event, outcome);
    }
    outcome.error = event < 0 ? event : nvme_lm_decoder_finish(&dec);
    outcome.skipped = dec.skipped;
    if (dec.error)
        require_error_stays(dec);
    return outcome;
}

/// Through window() and commit(), in pieces that @random decides.
Outcome decode_pieces(ByteView bytes, Random &random) {
    Outcome outcome;
    Decoder dec;
    const std::size_t most = 1 + random() % (random() % 2 ? 8 : 600);
    int event = 0;
    while (event >= 0 && !bytes.empty()) {
        std::uint32_t len = 0;
        void *window = nvme_lm_decoder_window(&dec, &len);
        const std::size_t n = std::min({std::size_t{len}, bytes.size(), 1 + random() % most});
        if (window) {
            require(len > 0, "a window has room");
            std::memcpy(window, bytes.data(), n);
            bytes = bytes.subspan(n);
        }
        event = nvme_lm_decoder_commit(&dec, window ? static_cast<u32>(n) : 1);
        if (event >= 0)
            note(dec, event, outcome);
    }
    outcome.error = event < 0 ? event : nvme_lm_decoder_finish(&dec);
    outcome.skipped = dec.skipped;
    return outcome;
}

/// A stream that the driver takes is one, by another reading of the format.
void require_reader_agrees(ByteView bytes, const Outcome &outcome) {
    try {
        const migration::Stream stream = migration::Stream::parse(bytes);
        require(stream.state() == outcome.state, "both readers find the same state");
    } catch (const migration::MalformedStream &error) {
        std::fprintf(stderr, "the other reader says: %s\n", error.what());
        require(false, "what the driver takes is a stream");
    }
}

void check(ByteView bytes) {
    const Outcome whole = decode_whole(bytes);
    Random random{static_cast<std::uint32_t>(bytes.size() * 2654435761U + 1)};
    require(decode_pieces(bytes, random) == whole, "pieces of any size give the same");
    require(whole.ended == (whole.error == 0 || whole.error == -EOVERFLOW),
            "a stream is taken if and only if it ends where the bytes do");
    if (std::getenv("FUZZ_GOOD"))
        require(whole.error == 0 && !whole.state.empty(), "a good stream is taken");
    // the other reader knows no record that may be skipped
    if (whole.error == 0 && whole.skipped == 0)
        require_reader_agrees(bytes, whole);
}

} // namespace
} // namespace lm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    lm::fuzz::check(std::as_bytes(std::span{data, size}));
    return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size,
                                               std::size_t most, unsigned seed) {
    lm::fuzz::Random random{seed};
    if (random() % 8 == 0)
        return LLVMFuzzerMutate(data, size, most);
    const lm::Bytes mutated = lm::fuzz::mutate(
        std::as_bytes(std::span{data, size}), random, [](lm::Bytes &bytes, std::size_t room) {
            const std::size_t had = bytes.size();
            bytes.resize(room);
            bytes.resize(
                LLVMFuzzerMutate(reinterpret_cast<std::uint8_t *>(bytes.data()), had, room));
        });
    if (mutated.size() > most)
        return LLVMFuzzerMutate(data, size, most);
    std::memcpy(data, mutated.data(), mutated.size());
    return mutated.size();
}
