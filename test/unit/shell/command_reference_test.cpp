#include "agent/shell/command_reference.hpp"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "agent/shell/screen.hpp"
#include "test/support/catch.hpp"

using namespace agent::shell;

namespace {

const std::string document = LRA_SOURCE_DIR "/docs/LRACTL.md";
const std::string begin_mark = "<!-- generated from the command table: begin -->\n";
const std::string end_mark = "<!-- generated from the command table: end -->\n";

std::string contents() {
    std::ifstream file(document);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void check_page_width(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK(columns_of(line) <= 80);
    }
}

}  // namespace

// LRA_UPDATE_DOCS=1 writes the tables anew instead of comparing them.
TEST_CASE("docs/LRACTL.md shows the command table as it is") {
    std::string text = contents();
    const std::size_t begin = text.find(begin_mark);
    const std::size_t end = text.find(end_mark);
    REQUIRE(begin != std::string::npos);
    REQUIRE(end != std::string::npos);
    const std::size_t start = begin + begin_mark.size();
    const std::string expected = "\n" + command_reference();
    if (std::getenv("LRA_UPDATE_DOCS") != nullptr) {
        std::ofstream(document) << text.replace(start, end - start, expected);
        return;
    }
    INFO("docs/LRACTL.md is stale; run this test with LRA_UPDATE_DOCS=1");
    CHECK(text.substr(start, end - start) == expected);
}

TEST_CASE("every help text fits 80 columns") {
    check_page_width(help_text());
    for (const Noun& noun : nouns())
        check_page_width(help_of(noun));
    for (const Command& command : commands())
        check_page_width(help_of(command));
}

TEST_CASE("no two commands have the same name and every noun has a verb") {
    std::set<std::string> methods;
    for (const Command& command : commands())
        CHECK(methods.insert(method_of(command)).second);
    for (const Noun& noun : nouns())
        CHECK_FALSE(verbs_of(noun.name).empty());
}
