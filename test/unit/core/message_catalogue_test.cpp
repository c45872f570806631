#include "agent/core/message_catalogue.hpp"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "test/support/catch.hpp"

using namespace agent::core;

TEST_CASE("every message says what happened, what it means and what to do") {
    std::set<Message> seen;
    for (const auto& entry : message_catalogue()) {
        CAPTURE(identifier_of(entry.message));
        CHECK(seen.insert(entry.message).second);
        CHECK_FALSE(entry.format.empty());
        CHECK_FALSE(entry.meaning.empty());
        CHECK_FALSE(entry.remedy.empty());
    }
}

TEST_CASE("identifiers tell the controller's messages from the hosts'") {
    CHECK(identifier_of(Message::drive_reserved) == "LRA1001");
    CHECK(identifier_of(Message::application_set_offline) == "DSA5001");
}

TEST_CASE("arguments take the places of the braces in order") {
    CHECK(text_of(Message::drive_released, {"VT1"}) == "drive VT1 is free");
    CHECK(text_of(Message::lift_failed, {"VT1", "busy"}) ==
          "drive VT1 could not be brought back: busy. It stays forced offline");
}

TEST_CASE("docs/MESSAGES.md is what the catalogue says (LRA_UPDATE_DOCS=1 writes it anew)") {
    const std::string path = std::string(LRA_SOURCE_DIR) + "/docs/MESSAGES.md";
    if (std::getenv("LRA_UPDATE_DOCS") != nullptr) std::ofstream(path) << message_catalogue_page();
    std::ifstream file(path);
    std::stringstream written;
    written << file.rdbuf();
    CHECK(written.str() == message_catalogue_page());
}
