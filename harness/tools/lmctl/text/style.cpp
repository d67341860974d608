// SPDX-License-Identifier: GPL-2.0-only
#include "text/style.hpp"

#include "text/terminal.hpp"

#include <clocale>
#include <cstdlib>
#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lm::ctl {

namespace {

bool colours = false;
bool utf8 = false;

std::string in_colour(std::string_view text, int code) {
    return colours ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string{text};
}

bool colours_wanted() {
    const char *no_colour = std::getenv("NO_COLOR");
    return !no_colour || !*no_colour;
}

} // namespace

void set_up_style(ColourMode mode) {
    colours = mode == ColourMode::always ||
              (mode == ColourMode::automatic && is_terminal(STDOUT_FILENO) && colours_wanted());
    std::setlocale(LC_CTYPE, "");
    utf8 = std::string_view{::nl_langinfo(CODESET)} == "UTF-8";
}

std::string bold(std::string_view text) {
    return in_colour(text, 1);
}

std::string dim(std::string_view text) {
    return in_colour(text, 2);
}

std::string good(std::string_view text) {
    return in_colour(text, 32);
}

std::string warn(std::string_view text) {
    return in_colour(text, 33);
}

std::string bad(std::string_view text) {
    return in_colour(text, 31);
}

const TreeLines &tree_lines() {
    static constexpr TreeLines lines{"├─ ", "└─ ", "│  ", "   "};
    static constexpr TreeLines plain{"|- ", "`- ", "|  ", "   "};
    return utf8 ? lines : plain;
}

unsigned terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col;
    return 80;
}

std::string human_size(std::uint64_t bytes) {
    static constexpr std::string_view units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 10'000)
        return counted(bytes, "byte");
    double size = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; size >= 1024 && unit + 1 < std::size(units); ++unit)
        size /= 1024;
    std::string number = fmt::format("{:.1f}", size);
    if (number.ends_with(".0"))
        number.resize(number.size() - 2);
    return fmt::format("{} {}", number, units[unit]);
}

std::string with_commas(std::uint64_t number) {
    std::string text = fmt::format("{}", number);
    for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3)
        text.insert(static_cast<std::size_t>(at), ",");
    return text;
}

std::string counted(std::uint64_t number, std::string_view what) {
    return fmt::format("{} {}{}", with_commas(number), what, number == 1 ? "" : "s");
}

std::string hex(ByteView bytes) {
    std::string text;
    for (std::byte b : bytes)
        text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
    return text;
}

std::string uuid_text(ByteView bytes) {
    std::string text = hex(bytes);
    for (std::size_t at : {20U, 16U, 12U, 8U})
        text.insert(std::min<std::size_t>(at, text.size()), "-");
    return text;
}

std::string printable(std::string_view text) {
    std::string clean;
    for (unsigned char c : text) {
        if (c == '\\')
            clean += "\\\\";
        else if (c >= 0x20 && c < 0x7f)
            clean += static_cast<char>(c);
        else
            clean += fmt::format("\\x{:02x}", c);
    }
    return clean;
}

std::string wrap(std::string_view text, unsigned width, unsigned indent) {
    std::string result;
    std::size_t column = indent;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        if (column > indent && column + 1 + word.size() > width) {
            result += '\n' + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            result += ' ';
            ++column;
        }
        result += word;
        column += word.size();
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

} // namespace lm::ctl
