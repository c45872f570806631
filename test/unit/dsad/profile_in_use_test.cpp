// What a profile knows of drives in use counts when the controller asks who holds one.

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <asio/io_context.hpp>

#include "agent/dsad/composition.hpp"
#include "agent/dsad/holder_answers.hpp"
#include "test/support/catch.hpp"

namespace {

// The application prints `line` when it is asked about the drive.
agent::core::HolderStatement statement_when_printed(const std::string& line) {
    char folder[] = "/tmp/profile_in_use_test.XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string file = std::string(folder) + "/sample.json";
    std::ofstream(file) << R"({
        "description": "sample", "drive": {"description": "its name"},
        "programs": {"sh": {"description": "a shell", "places": ["/bin/sh"]}},
        "offline": [{"argv": ["sh"]}], "online": [{"argv": ["sh"]}],
        "query": {"argv": ["sh", "-c", "echo $1", "sh", ")"
                        << line << R"("],
                  "states": [{"state": "offline", "all": ["off"]}, {"state": "online"}],
                  "in_use": ["^{drive}: job"]}})";
    agent::runtime::DsadConfiguration configuration;
    configuration.host.agent = "host1";
    configuration.drives = {{{"VT1"}, "drive-1", ""}};
    configuration.application.profile = file;
    configuration.application.open_files = false;
    configuration.application.observe_only = false;
    auto profile = agent::dsad::application_profile(configuration);
    INFO((profile.ok() ? "" : profile.error().message));
    REQUIRE(profile.ok());

    asio::io_context loop;
    std::vector<agent::core::HolderStatement> said;
    agent::host::CommandApplicationRunner application(loop, std::move(profile).value(),
                                                      [](const agent::host::ProgramCall&) {});
    agent::dsad::HolderAnswers answers(
        loop, application,
        [&](const agent::core::HolderStatement& statement) { said.push_back(statement); },
        [](const auto&, const auto&, const auto&) {});
    answers.configure(configuration, {});
    answers.asked({{1, 1}, {"lra"}, {"VT1"}, agent::core::HolderRequest::tell});
    loop.run_for(std::chrono::seconds(20));
    std::filesystem::remove_all(folder);
    REQUIRE(said.size() == 1);
    return said[0];
}

}  // namespace

TEST_CASE("a job that the profile sees makes the drive this host's") {
    const auto busy = statement_when_printed("drive-1: job 7");
    CHECK(busy.answer == agent::core::HolderAnswer::mine);
    CHECK_THAT(busy.detail, ContainsSubstring("drive-1: job 7"));
    CHECK(statement_when_printed("drive-10: job 7").answer != agent::core::HolderAnswer::mine);
    CHECK(statement_when_printed("drive-1: idle").answer != agent::core::HolderAnswer::mine);
}
