// SPDX-License-Identifier: GPL-2.0-only
#include "text/table.hpp"

#include "text/style.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace lm::ctl {

std::size_t shown_width(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b') {
            i = std::min(text.find('m', i), text.size());
            continue;
        }
        width += (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    }
    return width;
}

Table::Table(std::vector<std::string> header) : header_{std::move(header)} {
    for (std::string &name : header_) {
        right_.push_back(name.starts_with('>'));
        if (right_.back())
            name.erase(0, 1);
    }
}

void Table::add(std::vector<std::string> row) {
    row.resize(header_.size());
    rows_.push_back(std::move(row));
}

std::string Table::line(const std::vector<std::string> &cells,
                        const std::vector<std::size_t> &widths, unsigned indent) const {
    std::string text(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string pad(widths[i] - shown_width(cells[i]), ' ');
        text += right_[i] ? pad + cells[i] : cells[i] + pad;
        text += "  ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + '\n';
}

std::string Table::text(unsigned indent) const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < header_.size(); ++i) {
        std::size_t width = shown_width(header_[i]);
        for (const auto &row : rows_)
            width = std::max(width, shown_width(row[i]));
        widths.push_back(width);
    }
    std::vector<std::string> names;
    for (const std::string &name : header_)
        names.push_back(name.empty() ? name : dim(name));
    std::string text = line(names, widths, indent);
    for (const auto &row : rows_)
        text += line(row, widths, indent);
    return text;
}

std::string field(std::string_view name, std::string_view value, unsigned name_width) {
    return fmt::format("  {:<{}} {}\n", name, name_width,
                       wrap(value, terminal_width(), name_width + 3));
}

} // namespace lm::ctl
