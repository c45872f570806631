#include "agent/shell/screen_table.hpp"

#include <sstream>

#include "test/support/catch.hpp"

using namespace agent::shell;

namespace {

Screen wide(std::size_t columns) {
    return {columns, false, {}};
}

const std::vector<Column> columns{
    {"NAME", Fit::elide, 4}, {"N", Fit::keep, 1, true}, {"TEXT", Fit::wrap, 8}};

}  // namespace

TEST_CASE("columns are aligned, numbers to the right, and nothing is shown as -") {
    const std::vector<Row> rows{{{"a"}, {"7"}, {"first"}}, {{"bcdef"}, {"12"}, {""}}};
    CHECK(screen_table(columns, rows, wide(80)) ==
          "NAME    N  TEXT\n"
          "a       7  first\n"
          "bcdef  12  -\n");
}

TEST_CASE("a table gives way where it may: names in the middle, text in lines") {
    const std::vector<Row> rows{{{"VT00000001"}, {"7"}, {"one two three four five"}}};
    CHECK(screen_table(columns, rows, wide(26)) ==
          "NAME        N  TEXT\n"
          "VT00000001  7  one two\n"
          "               three four\n"
          "               five\n");
    CHECK(screen_table(columns, rows, wide(17)) ==
          "NAME  N  TEXT\n"
          "V~01  7  one two\n"
          "         three\n"
          "         four\n"
          "         five\n");
}

TEST_CASE("no screen is too narrow") {
    const std::vector<Row> rows{{{"VT00000001"}, {"1234567890"}, {"one two three four five"}}};
    for (std::size_t width = 7; width < 60; ++width) {
        std::istringstream lines(screen_table(columns, rows, wide(width)));
        for (std::string line; std::getline(lines, line);) {
            INFO(line);
            CHECK(columns_of(line) <= width);
        }
    }
}

TEST_CASE("colours do not count as columns") {
    const std::vector<Row> rows{{{"a", Tone::good}, {"7"}, {"x"}}};
    CHECK_THAT(screen_table(columns, rows, Screen{80, true, {}}),
               ContainsSubstring("\x1b[32ma\x1b[0m     7  x\n"));
}
