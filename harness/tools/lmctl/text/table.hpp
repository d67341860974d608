// SPDX-License-Identifier: GPL-2.0-only
/// Text in columns.
#pragma once

#include <string>
#include <vector>

namespace lm::ctl {

/// Columns are as wide as their widest cell. Cells may have colours.
class Table {
  public:
    /// @header: names of the columns; one that starts with '>' is aligned to the right
    explicit Table(std::vector<std::string> header);

    void add(std::vector<std::string> row);
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    /// All lines, each after @indent blanks; no blanks at their ends.
    [[nodiscard]] std::string text(unsigned indent = 2) const;

  private:
    [[nodiscard]] std::string line(const std::vector<std::string> &cells,
                                   const std::vector<std::size_t> &widths, unsigned indent) const;

    std::vector<std::string> header_;
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_;
};

/// Columns that a text takes on a terminal: without colours, UTF-8 counted by character.
std::size_t shown_width(std::string_view text);

/// One "name   value" line after two blanks; the value wraps at the terminal's width.
std::string field(std::string_view name, std::string_view value, unsigned name_width = 13);

} // namespace lm::ctl
