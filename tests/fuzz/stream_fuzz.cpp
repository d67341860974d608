// SPDX-License-Identifier: GPL-2.0-only
/// Fuzzing of the driver's stream decoder, with libFuzzer, ASan and UBSan.
///
/// What has to hold for any bytes:
///   - nothing is read or written out of bounds, and nothing is undefined;
///   - in pieces of any size they give what they give at once;
///   - an error stays, and no event follows it;
///   - no more state is given out than was asked for;
///   - what is taken, the harness's own reader takes as well, with the same state.
#include "fuzz/mutator.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

extern "C" {
#include "stream.h"
}

namespace lm::fuzz {
namespace {

constexpr std::uint64_t max_state = 20000; ///< small enough for inputs to exceed it

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

/// Keep account of one event.
void note(const nvme_lm_decoder &dec, int event, Outcome &outcome) {
    require(!outcome.ended || event == NVME_LM_DECODE_MORE, "nothing follows END");
    outcome.events += event != NVME_LM_DECODE_MORE;
    outcome.ended |= event == NVME_LM_DECODE_END;
    if (event != NVME_LM_DECODE_RECORD)
        return;
    require(dec.length <= NVME_LM_STREAM_MAX_PAYLOAD, "a payload fits the room");
    if (dec.type != NVME_LM_REC_STATE)
        return;
    require(dec.length > sizeof(nvme_lm_state_piece), "a piece of state has bytes");
    const auto payload = std::as_bytes(std::span{dec.payload, dec.length});
    const auto piece = payload.subspan(sizeof(nvme_lm_state_piece));
    outcome.state.insert(outcome.state.end(), piece.begin(), piece.end());
    require(outcome.state.size() <= max_state, "state is bounded");
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
    nvme_lm_decoder dec;
    nvme_lm_decoder_init(&dec, room(), NVME_LM_STREAM_MAX_PAYLOAD, max_state);
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
    nvme_lm_decoder dec;
    nvme_lm_decoder_init(&dec, room(), NVME_LM_STREAM_MAX_PAYLOAD, max_state);
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
