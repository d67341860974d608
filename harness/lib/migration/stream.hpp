// SPDX-License-Identifier: GPL-2.0-only
/// The migration stream of include/uapi/linux/nvme-lm.h: a reader and a writer of
/// the harness's own, so that the driver's codec is not checked with itself.
#pragma once

#include "migration/assembly.hpp"
#include "util/bytes.hpp"

#include <linux/nvme-lm.h>
#include <vector>

namespace lm::migration {

/// One record. What encode() computes can be overridden to make it wrong.
struct Record {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    Bytes payload{};
    std::uint32_t reserved = 0;
    std::uint32_t reserved2 = 0;
    std::int64_t seq_shift = 0;         ///< added to the sequence number
    std::int64_t length_shift = 0;      ///< added to the length field
    std::uint32_t crc_flip = 0;         ///< flipped in the header's CRC
    std::uint32_t payload_crc_flip = 0; ///< flipped in the payload's CRC

    /// The payload as one of the uapi structures.
    template <typename T> [[nodiscard]] T as() const {
        if (payload.size() < sizeof(T))
            throw MalformedStream{"a payload is shorter than its structure"};
        T value;
        std::memcpy(&value, payload.data(), sizeof(value));
        return value;
    }
    /// Change the payload through one of the uapi structures.
    template <typename T, typename Change> void change(Change change) {
        T value = as<T>();
        change(value);
        std::memcpy(payload.data(), &value, sizeof(value));
    }
};

/// A whole stream, taken apart.
struct Stream {
    nvme_lm_stream_header header{};
    Bytes header_rest{}; ///< what a later version may have appended
    std::vector<Record> records{};
    std::uint32_t header_crc_flip = 0;
    std::uint32_t end_crc_flip = 0;
    std::uint64_t digest_flip = 0;
    bool keep_digest = false;          ///< DIGEST keeps what stands there
    bool keep_seq = false;             ///< records keep the numbers of their places when parsed
    std::vector<std::uint32_t> seqs{}; ///< those numbers

    /// Read and check everything; throws MalformedStream.
    static Stream parse(ByteView bytes);
    /// Read and check what is whole of a stream that goes on; @rest gets the number
    /// of bytes after its last whole record.
    static Stream parse_so_far(ByteView bytes, std::size_t &rest);
    /// Write it with the right lengths, numbers and CRCs, but for what is
    /// overridden. END's payload gets the CRC and keeps its size field; so does
    /// DIGEST's, with the digest where there is one of that size.
    [[nodiscard]] Bytes encode() const;

    /// All records of a type.
    [[nodiscard]] std::vector<const Record *> of_type(std::uint16_t type) const;
    /// The n-th record of a type; throws when there are not so many.
    [[nodiscard]] std::size_t find(std::uint16_t type, std::size_t n = 0) const;
    /// Whether the state comes in passes.
    [[nodiscard]] bool has_passes() const { return !of_type(NVME_LM_REC_PRECOPY).empty(); }
    /// What DIGEST says of the size of the state.
    [[nodiscard]] std::uint64_t state_bytes_of_digest() const {
        return records[find(NVME_LM_REC_DIGEST)].as<nvme_lm_digest>().state_size;
    }
    /// The controller state, put together from its pieces. Checks the digest.
    [[nodiscard]] Bytes state() const;

  private:
    [[nodiscard]] Assembly assembly() const;
    void fill_digest(Record &record) const;
};

} // namespace lm::migration
