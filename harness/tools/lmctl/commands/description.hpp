// SPDX-License-Identifier: GPL-2.0-only
/// A function, or a stream of one, as JSON: what two hosts exchange to find out
/// whether one would migrate to the other.
#pragma once

#include "host/capability.hpp"
#include "json.hpp"
#include "stream/inspection.hpp"

namespace lm::ctl {

/// All that `show` knows of a function.
Json describe_function(const Target &target);

/// The same of the function that a stream was taken from, as far as it is in there.
Json describe_source(const Inspection &stream, const std::string &name);

/// Read a description from a file: one of `show --json`, or a stream. A Problem says
/// what is wrong with it.
Json read_description(const std::string &file);

/// What @text names: a file with a description or a stream, else a function.
Json resolve_description(const std::string &text);

} // namespace lm::ctl
