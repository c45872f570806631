#include "agent/shell/command_words.hpp"

#include "test/support/catch.hpp"

using agent::shell::command_words;
using Words = std::vector<std::string>;

TEST_CASE("blanks separate words, quotes hold them together") {
    CHECK(*command_words("drive  show\tVT1") == Words{"drive", "show", "VT1"});
    CHECK(*command_words(R"(a "b c" 'd "e' f\ g)") == Words{"a", "b c", "d \"e", "f g"});
    CHECK(*command_words(R"(--reason="it's \"stuck\"")") == Words{"--reason=it's \"stuck\""});
    CHECK(*command_words("'' \"\"") == Words{"", ""});
    CHECK(*command_words("drive list\r") == Words{"drive", "list"});
}

TEST_CASE("a comment begins at the start of a word only") {
    CHECK(command_words("# all of it")->empty());
    CHECK(*command_words("drive list # later") == Words{"drive", "list"});
    CHECK(*command_words("a#b '#c'") == Words{"a#b", "#c"});
}

TEST_CASE("an open quote and an endless line are errors") {
    CHECK_THAT(command_words("a \"b").error().message, ContainsSubstring("not closed"));
    CHECK_THAT(command_words("a 'b").error().message, ContainsSubstring("not closed"));
    CHECK_THAT(command_words(std::string(5000, 'a')).error().message, ContainsSubstring("longer"));
    CHECK(*command_words("a\\") == Words{"a\\"});
}
