#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "test/support/catch.hpp"
#include "test/unit/core/scenario_player.hpp"

// A difference may be recorded anew (LRA_RECORD=1) by somebody who understands what caused it.
TEST_CASE("every scenario plays as written") {
    std::vector<std::filesystem::path> scenarios;
    const std::string folder = std::string(LRA_SOURCE_DIR) + "/test/scenario";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".txt") scenarios.push_back(entry.path());
    }
    std::sort(scenarios.begin(), scenarios.end());
    REQUIRE(scenarios.size() >= 14);
    for (const auto& path : scenarios) {
        std::stringstream written;
        written << std::ifstream(path).rdbuf();
        const std::string played = core_test::play_scenario(written.str());
        INFO(path.filename().string());
        CHECK(played.find("(no such verb)") == std::string::npos);
        if (std::getenv("LRA_RECORD") != nullptr) {
            std::ofstream(path) << played;
        } else {
            CHECK(played == written.str());
        }
    }
}
