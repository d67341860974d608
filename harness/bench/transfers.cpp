// SPDX-License-Identifier: GPL-2.0-only
#include "transfers.hpp"

#include <cstring>
#include <linux/nvme-lm.h>
#include <stdexcept>

namespace lm::bench {

using migration::State;

namespace {

/// Call @visit for the payload of each STATE record, and where that begins.
template <typename Visit> void each_piece(ByteSpan stream, Visit visit) {
    std::size_t at = lm::load<std::uint16_t>(stream, offsetof(nvme_lm_stream_header, header_len));
    while (at < stream.size()) {
        const auto type = lm::load<std::uint16_t>(stream, at + offsetof(nvme_lm_record, type));
        const auto length = lm::load<std::uint32_t>(stream, at + offsetof(nvme_lm_record, length));
        at += sizeof(nvme_lm_record);
        if (type == NVME_LM_REC_STATE && !visit(stream.subspan(at, length), at))
            return;
        at += length;
    }
}

} // namespace

Saved save(migration::Migration &migration, const Buffer &buffer,
           const std::function<void(std::uint64_t)> &while_reading) {
    Saved saved;
    const Clock::time_point start = Clock::now();
    migration::DataFile file = migration.set_with_file(State::stop_copy);
    saved.suspend_seconds = seconds_since(start);
    while (const std::size_t n = file.read_some(buffer.bytes())) {
        saved.bytes += n;
        if (while_reading)
            while_reading(saved.bytes);
    }
    saved.seconds = seconds_since(start);
    migration.set(State::stop);
    return saved;
}

std::size_t save_into(migration::Migration &migration, ByteSpan stream) {
    migration::DataFile file = migration.set_with_file(State::stop_copy);
    std::size_t at = 0;
    while (const std::size_t n = file.read_some(stream.subspan(at))) {
        at += n;
        if (at == stream.size())
            throw std::length_error{"the stream is longer than the driver said"};
    }
    migration.set(State::stop);
    return at;
}

Loaded load(migration::Migration &migration, const SplitStream &stream) {
    Loaded loaded;
    const Clock::time_point start = Clock::now();
    migration::DataFile file = migration.set_with_file(State::resuming);
    const Clock::time_point writing = Clock::now();
    ByteView left = stream.state;
    for (const Bytes &head : stream.heads) {
        file.write_all(head);
        const ByteView piece = left.first(std::min(stream.piece, left.size()));
        file.write_all(piece);
        left = left.subspan(piece.size());
    }
    loaded.write_seconds = seconds_since(writing);
    migration.set(State::stop);
    loaded.seconds = seconds_since(start);
    return loaded;
}

std::size_t piece_of(ByteView stream) {
    std::size_t bytes = 0;
    // only looked at
    const ByteSpan span{const_cast<std::byte *>(stream.data()), stream.size()};
    each_piece(span, [&](ByteSpan payload, std::size_t) {
        bytes = payload.size() - sizeof(nvme_lm_state_piece);
        return false;
    });
    if (!bytes)
        throw std::runtime_error{"a stream without state"};
    return bytes;
}

SplitStream split(ByteSpan stream) {
    SplitStream found{.state = stream.first(0), .piece = piece_of(stream), .heads = {}};
    std::size_t taken = 0, end = 0;
    const auto take_head = [&](std::size_t until) {
        found.heads.emplace_back(stream.begin() + static_cast<std::ptrdiff_t>(taken),
                                 stream.begin() + static_cast<std::ptrdiff_t>(until));
    };
    each_piece(stream, [&](ByteSpan payload, std::size_t at) {
        const ByteSpan data = payload.subspan(sizeof(nvme_lm_state_piece));
        take_head(at + sizeof(nvme_lm_state_piece));
        taken = at + payload.size();
        std::memmove(stream.data() + end, data.data(), data.size());
        end += data.size();
        return true;
    });
    take_head(stream.size());
    found.state = stream.first(end);
    return found;
}

} // namespace lm::bench
