#include "test/unit/core/handshake_page.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "test/support/catch.hpp"

using namespace core_test;

TEST_CASE("docs/HANDSHAKE.md shows the tables that the rules dispatch from") {
    const std::string path = std::string(LRA_SOURCE_DIR) + "/docs/HANDSHAKE.md";
    std::stringstream content;
    content << std::ifstream(path).rdbuf();
    std::string page = content.str();
    const auto begins = page.find(generated_begins);
    const auto ends = page.find(generated_ends);
    REQUIRE(begins != std::string::npos);
    REQUIRE(ends != std::string::npos);
    const auto from = begins + generated_begins.size();
    if (std::getenv("LRA_UPDATE_DOCS") != nullptr) {
        page.replace(from, ends - from, handshake_page());
        std::ofstream(path) << page;
        return;
    }
    CHECK(page.substr(from, ends - from) == handshake_page());
}
