// SPDX-License-Identifier: GPL-2.0-only
#include "streams/good_stream.hpp"

#include "streams/bad_streams.hpp"

namespace lm::test {

using migration::Record;
using migration::Stream;

namespace {

template <typename T> Record make_record(std::uint16_t type, const T &payload) {
    Record record{.type = type, .flags = NVME_LM_REC_F_MANDATORY};
    record.payload.assign(bytes_of(payload).begin(), bytes_of(payload).end());
    return record;
}

} // namespace

Stream good_stream(std::size_t size, std::size_t piece) {
    Stream stream;
    std::memcpy(stream.header.magic, NVME_LM_STREAM_MAGIC, NVME_LM_STREAM_MAGIC_LEN);
    stream.header.version = NVME_LM_STREAM_VERSION;
    stream.header.header_len = sizeof(stream.header);
    stream.header.command_set = NVME_LM_CS_STANDARD;
    nvme_lm_identity identity{};
    identity.vid = 0x1b36;
    identity.cntlid = 3;
    nvme_lm_medium medium{};
    medium.nsid = 1;
    medium.nsze = 1000;
    nvme_lm_end end{};
    end.state_size = size;
    Record state{.type = NVME_LM_REC_STATE, .flags = NVME_LM_REC_F_MANDATORY};
    state.payload.resize(sizeof(nvme_lm_state_piece) + size);
    for (std::size_t i = sizeof(nvme_lm_state_piece); i < state.payload.size(); ++i)
        state.payload[i] = static_cast<std::byte>(i * 37);
    stream.records = {make_record(NVME_LM_REC_IDENTITY, identity),
                      make_record(NVME_LM_REC_FORMAT, nvme_lm_format{}),
                      make_record(NVME_LM_REC_MEDIUM, medium), state,
                      make_record(NVME_LM_REC_END, end)};
    return with_pieces(stream, piece);
}

} // namespace lm::test
