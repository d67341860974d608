// SPDX-License-Identifier: GPL-2.0-only
/// Streams of a state that came in passes, made from one that came whole: good ones
/// of any shape, and bad ones.
#pragma once

#include "streams/bad_streams.hpp"

namespace lm::test {

/// How a state is to come in passes.
struct Passes {
    std::uint32_t granule = 4096;
    std::size_t piece = 4096;    ///< bytes of state in a record, a multiple of the granule
    unsigned again = 1;          ///< passes of some granules between the first and the last
    std::int64_t first_more = 0; ///< how much longer the state was in the first pass
    bool all_differ = true;      ///< nothing that the first passes told is true in the end
    std::uint64_t seed = 1;
};

/// The state of @whole in passes: what came first is not what counts.
migration::Stream in_passes(const migration::Stream &whole, const Passes &passes = {});

/// All ways to make a stream bad that a stream without passes does not have. The
/// stream they are given has no passes, and more than two granules of state.
const std::vector<BadStream> &bad_passes();

} // namespace lm::test
