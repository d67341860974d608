// SPDX-License-Identifier: GPL-2.0-only
#include "lmctl/sample.hpp"

#include "streams/passes.hpp"

#include <fmt/format.h>

namespace lm::test {

using migration::Record;
using migration::Stream;

namespace {

constexpr std::size_t header = nvme::ControllerState::header_size;
constexpr std::size_t entry = nvme::ControllerState::queue_size;

template <typename T> Record make_record(std::uint16_t type, const T &payload) {
    Record record{.type = type, .flags = NVME_LM_REC_F_MANDATORY};
    record.payload.assign(bytes_of(payload).begin(), bytes_of(payload).end());
    return record;
}

Record make_piece(ByteView state, std::size_t offset, std::size_t size) {
    nvme_lm_state_piece head{};
    head.offset = offset;
    Record piece = make_record(NVME_LM_REC_STATE, head);
    const ByteView bytes = slice(state, offset, size);
    piece.payload.insert(piece.payload.end(), bytes.begin(), bytes.end());
    return piece;
}

template <std::size_t N> void put(std::uint8_t (&place)[N], std::string_view text) {
    std::ranges::fill(place, ' ');
    std::ranges::copy(text, place);
}

nvme_lm_identity sample_identity() {
    nvme_lm_identity id{};
    id.vid = 0x1b36;
    id.did = 0x0010;
    id.class_code = 0x010802;
    id.cntlid = 3;
    id.nvq = 3;
    id.nvi = 3;
    put(id.sn, "pf0");
    put(id.mn, "An NVMe controller");
    put(id.fr, "1.0");
    std::ranges::copy(std::string_view{"nqn.2019-08.org.qemu:rig"}, id.subnqn);
    return id;
}

nvme_lm_medium sample_medium(std::uint32_t nsid) {
    nvme_lm_medium m{};
    m.nsid = nsid;
    m.flags = NVME_LM_MEDIUM_F_SHARED;
    m.nsze = 524288;
    m.lbads = 9;
    m.nguid[0] = 0x8d;
    m.nguid[15] = static_cast<std::uint8_t>(nsid);
    return m;
}

} // namespace

Bytes sample_state(std::uint16_t pairs, std::size_t vendor) {
    const std::size_t nvmecs = 8 + 2 * entry * pairs;
    Bytes state(header + nvmecs + vendor);
    store<std::uint8_t>(state, 2, 1);
    store<std::uint64_t>(state, 16, nvmecs / 4);
    store<std::uint64_t>(state, 32, vendor / 4);
    store<std::uint16_t>(state, header + 2, pairs);
    store<std::uint16_t>(state, header + 4, pairs);
    for (std::uint16_t i = 0; i < pairs; ++i) {
        const std::size_t sq = header + 8 + entry * i;
        const std::size_t cq = sq + entry * pairs;
        for (std::size_t at : {sq, cq}) {
            store<std::uint64_t>(state, at, 0x10000000 + at / entry * 4096);
            store<std::uint16_t>(state, at + 8, 63);
            store<std::uint16_t>(state, at + 10, i + 1);
        }
        store<std::uint16_t>(state, sq + 12, i + 1);
        store<std::uint16_t>(state, sq + 14, 1);
        store<std::uint16_t>(state, sq + 16, 5);
        store<std::uint16_t>(state, sq + 18, 7);
        store<std::uint16_t>(state, cq + 12, 5);
        store<std::uint16_t>(state, cq + 14, 5);
        store<std::uint32_t>(state, cq + 16, 7U | static_cast<std::uint32_t>(i + 1) << 16);
    }
    for (std::size_t i = header + nvmecs; i < state.size(); ++i)
        state[i] = static_cast<std::byte>(i * 37);
    return state;
}

Stream sample_stream(std::uint16_t pairs, std::size_t vendor, std::size_t piece) {
    const Bytes state = sample_state(pairs, vendor);
    Stream stream;
    std::memcpy(stream.header.magic, NVME_LM_STREAM_MAGIC, NVME_LM_STREAM_MAGIC_LEN);
    stream.header.version = NVME_LM_STREAM_VERSION;
    stream.header.header_len = sizeof(stream.header);
    stream.header.command_set = NVME_LM_CS_STANDARD;
    nvme_lm_end end{};
    end.state_size = state.size();
    stream.records = {make_record(NVME_LM_REC_IDENTITY, sample_identity()),
                      make_record(NVME_LM_REC_FORMAT, nvme_lm_format{}),
                      make_record(NVME_LM_REC_MEDIUM, sample_medium(1)),
                      make_record(NVME_LM_REC_MEDIUM, sample_medium(7)),
                      make_piece(state, 0, state.size()),
                      make_record(NVME_LM_REC_END, end)};
    return with_pieces(stream, piece);
}

Stream sample_precopy() {
    return in_passes(sample_stream(2, 20000, 1 << 20), {.piece = 8192, .again = 2});
}

ctl::Inspection inspect(ByteView bytes) {
    return ctl::inspect_stream([bytes](ByteSpan out) mutable {
        const std::size_t n = std::min(out.size(), bytes.size());
        std::ranges::copy(bytes.first(n), out.begin());
        bytes = bytes.subspan(n);
        return n;
    });
}

std::string complaints(const ctl::Inspection &stream) {
    std::string text;
    for (std::size_t i = 0; i < stream.outcomes.size(); ++i)
        if (const ctl::Outcome &o = stream.outcomes[i]; o.verdict == ctl::Verdict::bad)
            text += fmt::format("{}: {}\n", ctl::key_of(static_cast<ctl::Check>(i)), o.detail);
    return text;
}

} // namespace lm::test
