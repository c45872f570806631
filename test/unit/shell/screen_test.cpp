#include "agent/shell/screen.hpp"

#include "test/support/catch.hpp"

using namespace agent::shell;
using Lines = std::vector<std::string>;

TEST_CASE("what comes from a daemon can not steer the terminal") {
    CHECK(printable("VT\x1b[2J\n\x07") == "VT?[2J??");
    CHECK(printable("Gr\xc3\xbc\xc3\x9f"
                    "e") ==
          "Gr\xc3\xbc\xc3\x9f"
          "e");
    CHECK(printable("\xc2\x9b"
                    "2J") == "?2J");         // CSI as a C1 control character
    CHECK(printable("a\xff\xc3") == "a??");  // not UTF-8
    CHECK(printable("\xe2\x82") == "?");     // cut short
    CHECK(printable(std::string_view{"a\0b", 3}) == "a?b");
}

TEST_CASE("a long name loses its middle, where names are alike") {
    CHECK(elided("VT00000001", 10) == "VT00000001");
    CHECK(elided("VT00000001", 7) == "VT0~001");
    CHECK(elided("VT00000001", 2) == "VT");
    CHECK(columns_of(elided("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 4)) == 4);
}

TEST_CASE("text is broken between words, and within a word that is too long") {
    CHECK(wrapped("one two three", 7) == Lines{"one two", "three"});
    CHECK(wrapped("abcdefgh ij", 3) == Lines{"abc", "def", "gh", "ij"});
    CHECK(wrapped("a abcdef", 3) == Lines{"a", "abc", "def"});
    CHECK(wrapped("", 5) == Lines{""});
    CHECK(wrapped("abc", 0) == Lines{"a", "b", "c"});
    CHECK(paragraph("one two", 2, Screen{6, false, {}}) == "  one\n  two\n");
}

TEST_CASE("colours are painted only where they are wanted") {
    CHECK(painted("x", Tone::bad, Screen{80, false, {}}) == "x");
    CHECK(painted("x", Tone::bad, Screen{80, true, {}}) == "\x1b[1;31mx\x1b[0m");
    CHECK(painted("x", Tone::plain, Screen{80, true, {}}) == "x");
}
