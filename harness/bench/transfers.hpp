// SPDX-License-Identifier: GPL-2.0-only
/// A state through the driver, timed, as a VMM moves it: read() and write() of 1 MiB.
#pragma once

#include "stage.hpp"
#include "stats.hpp"
#include "util/mapping.hpp"

#include <functional>

namespace lm::bench {

/// Memory that a VMM reads into; pages are there from the start.
class Buffer {
  public:
    explicit Buffer(std::size_t size = 1 << 20) : memory_{size} {}
    [[nodiscard]] ByteSpan bytes() const { return memory_.bytes(); }

  private:
    Mapping memory_;
};

/// What a timed save gave.
struct Saved {
    double seconds = 0;         ///< from the request to stop to the last byte
    double suspend_seconds = 0; ///< of these, until the file was there
    std::uint64_t bytes = 0;    ///< of stream
};

/// RUNNING (or STOP) to STOP_COPY and everything read into nowhere; ends in STOP.
/// @while_reading is called now and then with the number of bytes so far.
Saved save(migration::Migration &migration, const Buffer &buffer,
           const std::function<void(std::uint64_t)> &while_reading = {});

/// The same, keeping what was read; @stream is large enough. The bytes of it.
std::size_t save_into(migration::Migration &migration, ByteSpan stream);

/// What a timed load took.
struct Loaded {
    double seconds = 0;       ///< from RESUMING to STOP, everything written and taken
    double write_seconds = 0; ///< of these, in write()
};

/// Bytes of state in each full STATE record of a stream, which is what one command moves.
std::size_t piece_of(ByteView stream);

/// A stream of one pass, taken apart: the state in one piece, as raw commands want it, and what
/// the driver wants between its pieces. There is not memory for the largest one twice.
struct SplitStream {
    ByteSpan state;           ///< at the front of the stream's memory
    std::size_t piece = 0;    ///< bytes of each piece but the last
    std::vector<Bytes> heads; ///< what comes before each piece, and what comes at the end
};

/// Take a stream apart, in its own memory.
SplitStream split(ByteSpan stream);

/// RESUMING, everything written, STOP.
Loaded load(migration::Migration &migration, const SplitStream &stream);

} // namespace lm::bench
