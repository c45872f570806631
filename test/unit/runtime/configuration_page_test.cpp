#include <cstdlib>
#include <fstream>
#include <sstream>

#include "agent/runtime/dsad_configuration.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;

namespace {

const std::string page_path = LRA_SOURCE_DIR "/docs/CONFIGURATION.md";

std::string page() {
    std::ostringstream text;
    text << std::ifstream(page_path, std::ios::binary).rdbuf();
    return text.str();
}

// The page with what stands between a program's two marks replaced by its schema's table.
std::string with_table(std::string text, const ConfigurationSchema& schema) {
    const std::string begin =
        "<!-- table of " + schema.program + ": generated, see docs/TESTING.md -->\n";
    const std::string end = "<!-- end of table -->";
    const std::size_t from = text.find(begin);
    REQUIRE(from != std::string::npos);
    const std::size_t to = text.find(end, from);
    REQUIRE(to != std::string::npos);
    return text.replace(from + begin.size(), to - from - begin.size(), markdown_table(schema));
}

}  // namespace

// LRA_UPDATE_PAGES=1 in the environment writes the tables into the page instead of comparing them.
TEST_CASE("docs/CONFIGURATION.md shows the keys that the programs read") {
    std::string wanted = with_table(page(), lrad_configuration_schema());
    wanted = with_table(wanted, dsad_configuration_schema());
    if (std::getenv("LRA_UPDATE_PAGES") != nullptr)
        std::ofstream(page_path, std::ios::binary) << wanted;
    INFO("run the test with LRA_UPDATE_PAGES=1 to bring the page up to date");
    CHECK((page() == wanted));
}
