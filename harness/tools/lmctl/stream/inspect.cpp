// SPDX-License-Identifier: GPL-2.0-only
#include "stream/inspect.hpp"

#include "stream/assembly.hpp"
#include "stream/queues.hpp"
#include "text/style.hpp"
#include "util/crc32c.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace lm::ctl {

namespace {

/// Most runs of records that are remembered.
constexpr std::size_t most_runs = 256;

/// The place of a type in the order of records; nothing for an unknown one.
std::optional<unsigned> rank_of(std::uint16_t type) {
    static constexpr std::uint16_t order[] = {
        NVME_LM_REC_IDENTITY, NVME_LM_REC_FORMAT, NVME_LM_REC_MEDIUM, NVME_LM_REC_PRECOPY,
        NVME_LM_REC_STATE,    NVME_LM_REC_DIGEST, NVME_LM_REC_END};
    const auto found = std::ranges::find(order, type);
    if (found == std::end(order))
        return std::nullopt;
    return static_cast<unsigned>(found - std::begin(order));
}

class Inspector {
  public:
    explicit Inspector(const Source &source) : source_{&source}, assembly_{out_} {}

    Inspection run() {
        if (read_header())
            while (read_record())
                ;
        finish();
        return std::move(out_);
    }

  private:
    bool take(ByteSpan bytes);
    bool read_header();
    bool check_header_fields(const nvme_lm_stream_header &h);
    bool read_record();
    bool check_record_header(const nvme_lm_record &r);
    void remember(const nvme_lm_record &r);
    void check_order(const nvme_lm_record &r);
    void read_payload(const nvme_lm_record &r);
    template <typename T> const T *payload_as(std::optional<T> &place, const char *name);
    void read_identity();
    void read_format();
    void read_medium();
    void read_precopy();
    void read_state();
    void read_digest();
    void read_end();
    void look_behind_end();
    void finish();
    void finish_counts();

    const Source *source_;
    Inspection out_;
    Assembly assembly_;
    Bytes payload_;
    std::uint64_t at_ = 0;         ///< where the record that is being read begins
    std::uint32_t crc_ = 0;        ///< of all bytes so far
    std::uint32_t crc_before_ = 0; ///< of all bytes before this record
    std::array<std::uint64_t, 7> seen_{};
    unsigned last_rank_ = 0;
    bool broken_off_ = false;
};

/// Read all of @bytes, or as much as there is.
bool Inspector::take(ByteSpan bytes) {
    const std::size_t n = (*source_)(bytes);
    out_.bytes += n;
    crc_ = crc32c(bytes.first(n), crc_);
    return n == bytes.size();
}

bool Inspector::read_header() {
    nvme_lm_stream_header h{};
    if (!take(std::as_writable_bytes(std::span{&h, 1}))) {
        out_.fail(Check::header, out_.bytes,
                  out_.bytes == 0
                      ? "it is empty"
                      : fmt::format("it ends after {} bytes, inside of the header", out_.bytes));
        return false;
    }
    if (!check_header_fields(h))
        return false;
    out_.header = h;
    Bytes rest(h.header_len - sizeof(h));
    if (!take(rest)) {
        out_.fail(Check::header, out_.bytes, "it ends inside of the header");
        return false;
    }
    nvme_lm_stream_header without = h;
    without.crc = 0;
    if (const std::uint32_t found = crc32c(rest, crc32c(bytes_of(without))); found != h.crc)
        out_.fail(Check::header, 28,
                  fmt::format("expected CRC {:08x}, found {:08x}", h.crc, found));
    return true;
}

bool Inspector::check_header_fields(const nvme_lm_stream_header &h) {
    if (std::memcmp(h.magic, NVME_LM_STREAM_MAGIC, sizeof(h.magic)) != 0) {
        const std::string found{reinterpret_cast<const char *>(h.magic), sizeof(h.magic)};
        out_.fail(Check::header, 0,
                  fmt::format("no stream of nvme-lm: expected \"NVME-LM\", found \"{}\"",
                              printable(found)));
        return false;
    }
    if (h.version != NVME_LM_STREAM_VERSION) {
        out_.fail(Check::header, 8,
                  fmt::format("expected version {}, found {}", NVME_LM_STREAM_VERSION, h.version));
        return false;
    }
    if (h.header_len < sizeof(h) || h.header_len > NVME_LM_STREAM_MAX_HEADER) {
        out_.fail(Check::header, 10,
                  fmt::format("expected a header of {} to {} bytes, found {}", sizeof(h),
                              NVME_LM_STREAM_MAX_HEADER, h.header_len));
        return false;
    }
    if (h.flags != 0)
        out_.fail(Check::header, 14, fmt::format("flags {:#x} are not known", h.flags));
    if (!all_zero(std::as_bytes(std::span{h.reserved})))
        out_.fail(Check::header, 16, "reserved bytes are not 0");
    if (h.command_set < NVME_LM_CS_STANDARD || h.command_set > NVME_LM_CS_CONTROL_PAGE)
        out_.fail(Check::header, 12, fmt::format("command set {} is not known", h.command_set));
    return true;
}

bool Inspector::read_record() {
    at_ = out_.bytes;
    crc_before_ = crc_;
    nvme_lm_record r{};
    if (!take(std::as_writable_bytes(std::span{&r, 1}))) {
        out_.fail(
            Check::end, out_.bytes,
            out_.bytes == at_
                ? fmt::format("it breaks off after {} records, without END", out_.records)
                : fmt::format("it breaks off inside of the header of record {}", out_.records));
        broken_off_ = true;
        return false;
    }
    if (!check_record_header(r)) {
        broken_off_ = true;
        return false;
    }
    payload_.resize(r.length);
    if (!take(payload_)) {
        out_.fail(Check::end, out_.bytes,
                  fmt::format("it breaks off inside of record {} ({}), {} bytes before its end",
                              out_.records, name_of_record(r.type),
                              at_ + sizeof(r) + r.length - out_.bytes));
        broken_off_ = true;
        return false;
    }
    if (const std::uint32_t found = crc32c(payload_); found != r.payload_crc)
        out_.fail(Check::payloads, at_,
                  fmt::format("record {} ({}): expected CRC {:08x}, found {:08x}", out_.records,
                              name_of_record(r.type), r.payload_crc, found));
    remember(r);
    check_order(r);
    read_payload(r);
    ++out_.records;
    if (r.type != NVME_LM_REC_END)
        return true;
    look_behind_end();
    return false;
}

/// Whether the length can be believed.
bool Inspector::check_record_header(const nvme_lm_record &r) {
    const ByteView before_crc = bytes_of(r).first(offsetof(nvme_lm_record, crc));
    if (const std::uint32_t found = crc32c(before_crc); found != r.crc) {
        out_.fail(Check::record_headers, at_,
                  fmt::format("record {}: expected CRC {:08x}, found {:08x}; so its length is not "
                              "known, and nothing after it",
                              out_.records, r.crc, found));
        return false;
    }
    if (r.length > NVME_LM_STREAM_MAX_PAYLOAD) {
        out_.fail(Check::record_headers, at_,
                  fmt::format("record {}: expected at most {} bytes of payload, found {}",
                              out_.records, NVME_LM_STREAM_MAX_PAYLOAD, r.length));
        return false;
    }
    if (r.reserved != 0 || r.reserved2[0] != 0 || r.reserved2[1] != 0)
        out_.fail(Check::record_headers, at_,
                  fmt::format("record {}: reserved fields are not 0", out_.records));
    if ((r.flags & ~NVME_LM_REC_F_MANDATORY) != 0)
        out_.fail(Check::record_headers, at_,
                  fmt::format("record {}: flags {:#x} are not known", out_.records, r.flags));
    if (r.seq != static_cast<std::uint32_t>(out_.records))
        out_.fail(Check::sequence, at_,
                  fmt::format("expected record {}, found number {}: one was lost, doubled or moved",
                              out_.records, r.seq));
    return true;
}

void Inspector::remember(const nvme_lm_record &r) {
    if (!out_.runs.empty() && out_.runs_left_out == 0 && out_.runs.back().type == r.type) {
        ++out_.runs.back().count;
        out_.runs.back().payload_bytes += r.length;
    } else if (out_.runs.size() < most_runs) {
        out_.runs.push_back({.type = r.type,
                             .flags = r.flags,
                             .first = out_.records,
                             .count = 1,
                             .at = at_,
                             .payload_bytes = r.length});
    } else {
        ++out_.runs_left_out;
    }
}

void Inspector::check_order(const nvme_lm_record &r) {
    const std::optional<unsigned> rank = rank_of(r.type);
    if (!rank) {
        if ((r.flags & NVME_LM_REC_F_MANDATORY) != 0 || out_.records < 2)
            out_.fail(Check::order, at_,
                      fmt::format("record {} is of an unknown type {:#06x} that must be known",
                                  out_.records, r.type));
        return;
    }
    if (out_.records < 2 && *rank != out_.records)
        out_.fail(Check::order, at_,
                  fmt::format("expected {} as record {}, found {}",
                              out_.records == 0 ? "IDENTITY" : "FORMAT", out_.records,
                              name_of_record(r.type)));
    else if (*rank < last_rank_)
        out_.fail(
            Check::order, at_,
            fmt::format("record {} ({}) comes too late", out_.records, name_of_record(r.type)));
    last_rank_ = std::max(last_rank_, *rank);
    const bool several = r.type == NVME_LM_REC_MEDIUM || r.type == NVME_LM_REC_STATE;
    if (++seen_[*rank] > 1 && !several)
        out_.fail(Check::order, at_, fmt::format("there is a second {}", name_of_record(r.type)));
}

void Inspector::read_payload(const nvme_lm_record &r) {
    switch (r.type) {
    case NVME_LM_REC_IDENTITY:
        return read_identity();
    case NVME_LM_REC_FORMAT:
        return read_format();
    case NVME_LM_REC_MEDIUM:
        return read_medium();
    case NVME_LM_REC_PRECOPY:
        return read_precopy();
    case NVME_LM_REC_STATE:
        return read_state();
    case NVME_LM_REC_DIGEST:
        return read_digest();
    case NVME_LM_REC_END:
        return read_end();
    default:
        return;
    }
}

/// Keep the payload as the structure that it is, the first of its kind.
template <typename T> const T *Inspector::payload_as(std::optional<T> &place, const char *name) {
    if (payload_.size() != sizeof(T)) {
        out_.fail(Check::contents, at_,
                  fmt::format("{}: expected {} bytes, found {}", name, sizeof(T), payload_.size()));
        return nullptr;
    }
    if (place)
        return nullptr;
    std::memcpy(&place.emplace(), payload_.data(), sizeof(T));
    return &*place;
}

void Inspector::read_identity() {
    const nvme_lm_identity *id = payload_as(out_.identity, "IDENTITY");
    if (id && (!all_zero(std::as_bytes(std::span{id->reserved})) ||
               !all_zero(std::as_bytes(std::span{id->reserved2}))))
        out_.fail(Check::contents, at_, "IDENTITY: reserved bytes are not 0");
}

void Inspector::read_format() {
    const nvme_lm_format *format = payload_as(out_.format, "FORMAT");
    if (format && !all_zero(std::as_bytes(std::span{format->reserved})))
        out_.fail(Check::contents, at_, "FORMAT: reserved bytes are not 0");
}

void Inspector::read_medium() {
    std::optional<nvme_lm_medium> place;
    const nvme_lm_medium *medium = payload_as(place, "MEDIUM");
    if (!medium)
        return;
    if (medium->reserved[0] != 0 || medium->reserved[1] != 0)
        out_.fail(Check::contents, at_,
                  fmt::format("MEDIUM {}: reserved bytes are not 0", medium->nsid));
    if ((medium->flags & ~NVME_LM_MEDIUM_F_SHARED) != 0)
        out_.fail(Check::contents, at_,
                  fmt::format("MEDIUM {}: flags {:#x} are not known", medium->nsid, medium->flags));
    if (out_.media.size() == NVME_LM_STREAM_MAX_MEDIA) {
        out_.fail(Check::media, at_, fmt::format("more than {} media", NVME_LM_STREAM_MAX_MEDIA));
        return;
    }
    if (medium->nsid == 0 || (!out_.media.empty() && medium->nsid <= out_.media.back().nsid))
        out_.fail(Check::media, at_, fmt::format("NSID {} does not ascend", medium->nsid));
    if (all_zero(std::as_bytes(std::span{medium->nguid})) &&
        all_zero(std::as_bytes(std::span{medium->eui64})) &&
        all_zero(std::as_bytes(std::span{medium->uuid})))
        out_.fail(
            Check::media, at_,
            fmt::format("NSID {} has neither NGUID nor EUI64 nor UUID: no destination can tell "
                        "that it is the same one",
                        medium->nsid));
    else if ((medium->flags & NVME_LM_MEDIUM_F_SHARED) == 0)
        out_.fail(Check::media, at_,
                  fmt::format("NSID {} may not be shared (NMIC bit 0)", medium->nsid));
    out_.media.push_back(*medium);
}

void Inspector::read_precopy() {
    const nvme_lm_precopy *precopy = payload_as(out_.precopy, "PRECOPY");
    if (!precopy)
        return;
    if (!std::has_single_bit(precopy->granule) || precopy->granule < NVME_LM_STREAM_MIN_GRANULE ||
        precopy->granule > NVME_LM_STREAM_MAX_GRANULE)
        out_.fail(
            Check::contents, at_,
            fmt::format("PRECOPY: expected a granule of {} to {} bytes, a power of two, found {}",
                        NVME_LM_STREAM_MIN_GRANULE, NVME_LM_STREAM_MAX_GRANULE, precopy->granule));
    if (precopy->reserved != 0 || !all_zero(std::as_bytes(std::span{precopy->reserved2})))
        out_.fail(Check::contents, at_, "PRECOPY: reserved bytes are not 0");
    assembly_.begin_passes(*precopy);
}

void Inspector::read_state() {
    if (payload_.size() < sizeof(nvme_lm_state_piece)) {
        out_.fail(Check::contents, at_,
                  fmt::format("STATE: expected at least {} bytes, found {}",
                              sizeof(nvme_lm_state_piece), payload_.size()));
        return;
    }
    const ByteView payload = payload_;
    if (load<std::uint64_t>(payload, offsetof(nvme_lm_state_piece, reserved)) != 0)
        out_.fail(Check::contents, at_, "STATE: reserved bytes are not 0");
    assembly_.add(at_, load<std::uint64_t>(payload, 0),
                  payload.subspan(sizeof(nvme_lm_state_piece)));
}

void Inspector::read_digest() {
    if (const nvme_lm_digest *digest = payload_as(out_.digest, "DIGEST"))
        assembly_.check_digest(at_, *digest);
}

void Inspector::read_end() {
    const nvme_lm_end *end = payload_as(out_.end, "END");
    if (!end)
        return;
    if (end->reserved != 0)
        out_.fail(Check::contents, at_, "END: reserved bytes are not 0");
    const std::uint64_t size = out_.digest ? out_.digest->state_size : out_.transfer.size;
    if (end->state_size != size)
        out_.fail(
            Check::end, at_,
            fmt::format("END is of {} bytes of state, and there are {}", end->state_size, size));
    else if (size == 0 || size % 4 != 0)
        out_.fail(Check::end, at_,
                  fmt::format("expected a state of some dwords, found {} bytes", size));
    if (end->crc != crc_before_)
        out_.fail(Check::stream_crc, at_,
                  fmt::format("expected {:08x}, found {:08x}", end->crc, crc_before_));
    else
        out_.outcome(Check::stream_crc).verdict = Verdict::ok;
}

void Inspector::look_behind_end() {
    const std::uint64_t size = out_.bytes;
    std::byte more{};
    if ((*source_)(ByteSpan{&more, 1}) != 0)
        out_.fail(Check::end, size, "bytes follow END");
}

/// Which records there must be, once all were seen.
void Inspector::finish_counts() {
    static constexpr std::uint16_t once[] = {NVME_LM_REC_IDENTITY, NVME_LM_REC_FORMAT,
                                             NVME_LM_REC_STATE};
    for (std::uint16_t type : once)
        if (seen_[*rank_of(type)] == 0)
            out_.fail(Check::order, at_, fmt::format("there is no {}", name_of_record(type)));
    const bool precopy = seen_[*rank_of(NVME_LM_REC_PRECOPY)] != 0;
    if (precopy != (seen_[*rank_of(NVME_LM_REC_DIGEST)] != 0))
        out_.fail(Check::order, at_,
                  precopy ? "there is a PRECOPY and no DIGEST"
                          : "there is a DIGEST and no PRECOPY");
}

/// What did not fail is right as far as it was reached.
void Inspector::finish() {
    const bool ended = out_.header && !broken_off_;
    if (ended) {
        finish_counts();
        if (out_.header->command_set == NVME_LM_CS_STANDARD)
            read_controller_state(assembly_.head(),
                                  out_.digest ? out_.digest->state_size : out_.transfer.size, out_);
        else
            out_.outcome(Check::state).verdict = Verdict::not_applicable;
    }
    if (!out_.precopy)
        out_.outcome(Check::digest).verdict = Verdict::not_applicable;
    for (std::size_t i = 0; i < out_.outcomes.size(); ++i) {
        Outcome &o = out_.outcomes[i];
        const auto check = static_cast<Check>(i);
        const bool reached = check == Check::header   ? out_.header.has_value()
                             : check == Check::digest ? out_.digest.has_value()
                                                      : ended && check != Check::stream_crc;
        if (o.verdict == Verdict::not_reached && reached)
            o.verdict = Verdict::ok;
    }
}

} // namespace

Inspection inspect_stream(const Source &source) {
    return Inspector{source}.run();
}

Source source_of(int fd) {
    return [fd](ByteSpan bytes) {
        std::size_t have = 0;
        while (have < bytes.size()) {
            const ssize_t n = ::read(fd, bytes.data() + have, bytes.size() - have);
            if (n < 0 && errno == EINTR)
                continue;
            check(n, "cannot read the stream");
            if (n == 0)
                break;
            have += static_cast<std::size_t>(n);
        }
        return have;
    };
}

} // namespace lm::ctl
