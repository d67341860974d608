// SPDX-License-Identifier: GPL-2.0-only
/// Streams that must be refused, each with the errno of its class.
#pragma once

#include "migration/stream.hpp"

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace lm::test {

/// Who can see what is wrong.
enum class Seen {
    by_codec,  ///< the bytes alone are wrong
    by_driver, ///< well-formed, but not for this function
};

/// One way to make a good stream bad.
struct BadStream {
    std::string name;
    int error;
    Seen seen;
    std::function<Bytes(migration::Stream)> make;
};

void PrintTo(const BadStream &bad, std::ostream *out);

/// All of them. The good stream is to have at least one medium and two pieces of
/// state; see with_pieces().
const std::vector<BadStream> &bad_streams();

/// The same stream with the state cut into pieces of at most @size bytes.
migration::Stream with_pieces(migration::Stream stream, std::size_t size);

} // namespace lm::test
