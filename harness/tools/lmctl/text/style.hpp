// SPDX-License-Identifier: GPL-2.0-only
/// How text looks: colours only where somebody sees them, and sizes for people.
#pragma once

#include "util/bytes.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace lm::ctl {

/// When to use colours.
enum class ColourMode { automatic, always, never };

/// Decides once for stdout: colours on a terminal that can show them and where
/// NO_COLOR is not set, lines of a tree where the locale has them.
void set_up_style(ColourMode mode);

std::string bold(std::string_view text);
std::string dim(std::string_view text);
std::string good(std::string_view text);
std::string warn(std::string_view text);
std::string bad(std::string_view text);

/// The lines of a tree: before an entry that has one below it, before the last
/// one, and before what hangs on the two.
struct TreeLines {
    std::string_view middle, last, through, nothing;
};
const TreeLines &tree_lines();

/// Columns of the terminal of stdout, 80 where there is none.
unsigned terminal_width();

/// "256 MiB", "1.5 GiB", "3,128 bytes".
std::string human_size(std::uint64_t bytes);
/// "3,145,728".
std::string with_commas(std::uint64_t number);
/// "1 queue", "2 queues".
std::string counted(std::uint64_t number, std::string_view what);
/// Bytes in hexadecimal.
std::string hex(ByteView bytes);
/// A UUID in its usual form; @bytes has 16.
std::string uuid_text(ByteView bytes);
/// @text with everything that is not printable ASCII as \xNN, so that a device or
/// a file cannot talk to the terminal.
std::string printable(std::string_view text);

/// @text in lines of at most @width columns, every line but the first after
/// @indent blanks.
std::string wrap(std::string_view text, unsigned width, unsigned indent);

} // namespace lm::ctl
