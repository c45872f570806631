#include "agent/shell/completion.hpp"

#include "test/support/catch.hpp"

using namespace agent::shell;
using Words = std::vector<std::string>;

namespace {

Words names(ValueKind kind) {
    return kind == ValueKind::serial ? Words{"VT00000001", "VT00000002"} : Words{"host-a"};
}

Words after(std::string_view line) {
    return complete(line, names).candidates;
}

}  // namespace

TEST_CASE("the first word completes to nouns and the shell's own words") {
    CHECK(after("dr") == Words{"drive"});
    CHECK(after("  qu") == Words{"quit"});
    CHECK(after("").size() == nouns().size() + 3);
    CHECK(after("zebra").empty());
}

TEST_CASE("the second word completes to the verbs of the noun") {
    CHECK(after("drive ") == Words{"add", "clear", "discover", "forget", "list", "map", "offline",
                                   "poll", "release", "show", "why"});
    CHECK(after("drive sh") == Words{"show"});
    CHECK(after("zebra ").empty());
    CHECK(after("help drive wh") == Words{"why"});
    CHECK(after("use ") == Words{"dsad", "lrad", "vtld"});
}

TEST_CASE("serials and agents come from the daemon") {
    CHECK(after("drive show ") == Words{"VT00000001", "VT00000002"});
    CHECK(after("drive show VT00000002") == Words{"VT00000002"});
    CHECK(after("event list --drive ") == Words{"VT00000001", "VT00000002"});
    CHECK(after("agent retire ") == Words{"host-a"});
}

TEST_CASE("behind the arguments come the options") {
    CHECK(after("drive clear VT00000001 ") == Words{"--json", "--reason"});
    CHECK(after("drive clear VT00000001 --r") == Words{"--reason"});
    CHECK(after("drive clear VT00000001 --reason ").empty());
    CHECK(after("drive clear --reason x ") == Words{"VT00000001", "VT00000002"});
    CHECK(after("event list --l") == Words{"--limit"});
}

TEST_CASE("the unfinished word and what all candidates share are known") {
    const Completion completion = complete("drive show VT", names);
    CHECK(completion.unfinished == "VT");
    CHECK(common_beginning(completion.candidates) == "VT0000000");
    CHECK(common_beginning({}).empty());
}
