// SPDX-License-Identifier: GPL-2.0-only
#include "streams/codec.hpp"

extern "C" {
#include "stream.h"
}

#include <algorithm>
#include <cerrno>
#include <vector>

namespace lm::test {

namespace {

void append(Bytes &out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// The decoder, with room for what it notes down of a state that comes in passes.
struct PassDecoder : nvme_lm_decoder {
    std::vector<__le64> hash_of;
    std::vector<u32> length_of;
};

extern "C" int make_room(nvme_lm_decoder *decoder, u64 count) {
    auto *self = static_cast<PassDecoder *>(decoder);
    self->hash_of.resize(count);
    self->length_of.resize(count);
    self->hashes = self->hash_of.data();
    self->lengths = self->length_of.data();
    self->granule_room = count;
    return 0;
}

/// Note down the record that the decoder has just completed.
void note(const nvme_lm_decoder &decoder, Decoded &result) {
    ++result.seen[decoder.type];
    if (decoder.type != NVME_LM_REC_STATE)
        return;
    const ByteView bytes =
        std::as_bytes(std::span{decoder.payload, decoder.length - sizeof(nvme_lm_state_piece)});
    const std::size_t at = decoder.piece.offset;
    result.state.resize(std::max(result.state.size(), at + bytes.size()));
    std::ranges::copy(bytes, result.state.begin() + static_cast<std::ptrdiff_t>(at));
}

} // namespace

Decoded decode(ByteView stream, std::size_t chunk, std::uint64_t max_state) {
    Decoded result;
    std::vector<u8> room(NVME_LM_STREAM_MAX_PAYLOAD);
    PassDecoder decoder;
    nvme_lm_decoder_init(&decoder, room.data(), static_cast<u32>(room.size()), max_state);
    decoder.make_room = make_room;
    int event = 0;
    while (event >= 0 && !stream.empty()) {
        const ByteView part = stream.first(std::min(chunk, stream.size()));
        std::size_t used = 0;
        event = nvme_lm_decoder_push(&decoder, part.data(), part.size(), &used);
        stream = stream.subspan(used);
        if (event == NVME_LM_DECODE_RECORD)
            note(decoder, result);
        result.ended |= event == NVME_LM_DECODE_END;
    }
    if (event >= 0)
        event = nvme_lm_decoder_finish(&decoder);
    result.error = event < 0 ? -event : 0;
    result.skipped = decoder.skipped;
    result.state.resize(
        std::min(result.state.size(), static_cast<std::size_t>(decoder.state_size)));
    if (decoder.complaint.what)
        result.complaint = decoder.complaint.what;
    return result;
}

Bytes encode(const migration::Stream &stream, std::size_t piece) {
    Bytes out;
    nvme_lm_encoder encoder;
    nvme_lm_stream_header header;
    nvme_lm_encode_header(&encoder, static_cast<nvme_lm_command_set>(stream.header.command_set),
                          &header);
    append(out, bytes_of(header));
    for (const migration::Record &r : stream.records) {
        if (r.type == NVME_LM_REC_STATE || r.type == NVME_LM_REC_END)
            continue;
        nvme_lm_record head;
        nvme_lm_encode_record(&encoder, r.type, r.flags, r.payload.data(),
                              static_cast<u32>(r.payload.size()), &head);
        append(out, bytes_of(head));
        append(out, r.payload);
    }
    const Bytes state = stream.state();
    for (std::size_t at = 0; at < state.size(); at += piece) {
        const ByteView bytes = ByteView{state}.subspan(at, std::min(piece, state.size() - at));
        nvme_lm_state_head head;
        nvme_lm_encode_state(&encoder, bytes.data(), static_cast<u32>(bytes.size()), &head);
        append(out, bytes_of(head));
        append(out, bytes);
    }
    nvme_lm_end_record end;
    nvme_lm_encode_end(&encoder, &end);
    append(out, bytes_of(end));
    return out;
}

} // namespace lm::test
