#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/shell/screen.hpp"

namespace agent::shell {

// What a column does when the table is too wide for the screen.
enum class Fit : std::uint8_t {
    keep,   // gives way last
    elide,  // its texts lose their middles
    wrap,   // its texts go on in the next line
};

struct Column {
    std::string title;
    Fit fit = Fit::keep;
    std::size_t columns_min = 4;
    bool right = false;  // numbers
};

struct Cell {
    std::string text;  // printable; empty is shown as "-"
    Tone tone = Tone::plain;
};

using Row = std::vector<Cell>;  // one cell a column

// A title line and the rows, two blanks between columns, never wider than the screen.
[[nodiscard]] std::string screen_table(std::span<const Column> columns, std::span<const Row> rows,
                                       const Screen& screen);

}  // namespace agent::shell
