#include "agent/shell/screen_table.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace agent::shell {
namespace {

constexpr std::size_t gap = 2;

using Widths = std::vector<std::size_t>;

std::string_view shown(const Cell& cell) {
    return cell.text.empty() ? std::string_view{"-"} : std::string_view{cell.text};
}

Widths natural_widths(std::span<const Column> columns, std::span<const Row> rows) {
    Widths widths;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        std::size_t width = columns_of(columns[i].title);
        for (const Row& row : rows)
            width = std::max(width, columns_of(shown(row[i])));
        widths.push_back(width);
    }
    return widths;
}

// The widest column that may still give way; one that is kept gives way only when nothing else is
// left.
std::optional<std::size_t> next_to_shrink(std::span<const Column> columns, const Widths& widths,
                                          bool kept_too) {
    std::optional<std::size_t> widest;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const bool kept = columns[i].fit == Fit::keep;
        const std::size_t least = kept || kept_too ? 1 : columns[i].columns_min;
        if ((kept && !kept_too) || widths[i] <= least) continue;
        if (!widest || widths[i] > widths[*widest]) widest = i;
    }
    return widest;
}

Widths fitting_widths(std::span<const Column> columns, std::span<const Row> rows,
                      std::size_t screen_columns) {
    Widths widths = natural_widths(columns, rows);
    std::size_t total = std::accumulate(widths.begin(), widths.end(), gap * (columns.size() - 1));
    for (; total > screen_columns; --total) {
        auto column = next_to_shrink(columns, widths, false);
        if (!column) column = next_to_shrink(columns, widths, true);
        if (!column) break;
        --widths[*column];
    }
    return widths;
}

std::vector<std::string> lines_of(const Cell& cell, const Column& column, std::size_t width) {
    if (column.fit == Fit::wrap) return wrapped(shown(cell), width);
    return {elided(shown(cell), width)};
}

std::string padded(const std::string& text, Tone tone, const Column& column, std::size_t width,
                   const Screen& screen) {
    const std::string blanks(width - std::min(width, columns_of(text)), ' ');
    const std::string body = painted(text, tone, screen);
    return column.right ? blanks + body : body + blanks;
}

void append_row(std::string& table, const Row& row, std::span<const Column> columns,
                const Widths& widths, const Screen& screen) {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        cells.push_back(lines_of(row[i], columns[i], widths[i]));
        height = std::max(height, cells.back().size());
    }
    for (std::size_t line = 0; line < height; ++line) {
        std::string text;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const std::string part = line < cells[i].size() ? cells[i][line] : "";
            if (i > 0) text += std::string(gap, ' ');
            text += padded(part, row[i].tone, columns[i], widths[i], screen);
        }
        text.erase(text.find_last_not_of(' ') + 1);
        table += text + '\n';
    }
}

}  // namespace

std::string screen_table(std::span<const Column> columns, std::span<const Row> rows,
                         const Screen& screen) {
    if (columns.empty()) return {};
    const Widths widths = fitting_widths(columns, rows, screen.columns);
    Row titles;
    for (const Column& column : columns)
        titles.push_back({column.title, Tone::strong});
    std::string table;
    append_row(table, titles, columns, widths, screen);
    for (const Row& row : rows)
        append_row(table, row, columns, widths, screen);
    return table;
}

}  // namespace agent::shell
