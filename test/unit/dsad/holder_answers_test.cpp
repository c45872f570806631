#include "agent/dsad/holder_answers.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "test/support/catch.hpp"

using agent::core::HolderAnswer;
using agent::core::HolderInquiry;
using agent::core::HolderRequest;
using agent::core::HolderStatement;
using agent::core::ReleaseResult;
using agent::dsad::HolderAnswers;

namespace {

// As the controller numbers them: ordinary questions from 1 in each epoch, requests to release from
// here (agent/lrad/holder_questions.cpp).
constexpr std::uint64_t first_release = (std::uint64_t{1} << 63U) + 1;

// A host with one drive; what it says, and how often its program to release the drive ran.
struct AskedHost {
    AskedHost() {
        char name[] = "/tmp/holder_answers_test.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        folder = name;
        configuration.host.agent = "host1";
        configuration.drives = {{{"VT1"}, "drive-1", "/dev/null"}};
        configuration.application.observe_only = false;
        configuration.application.open_files = false;
        configuration.application.timeout = {10'000};
        configuration.application.release = {"/bin/sh", "-c", "echo once >>\"$1\"", "sh",
                                             folder + "/released"};
        answers.configure(configuration, {});
    }
    ~AskedHost() { std::filesystem::remove_all(folder); }

    void ask(std::uint64_t sequence, HolderRequest request, const std::string& drive = "VT1") {
        answers.asked({{1, sequence}, {"lra"}, {drive}, request});
        loop.restart();
        loop.run_for(std::chrono::seconds(20));
    }
    std::size_t times_released() const {
        std::ifstream in(folder + "/released");
        return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(in), {}, '\n'));
    }

    std::string folder;
    agent::runtime::DsadConfiguration configuration;
    asio::io_context loop;
    std::vector<HolderStatement> said;
    agent::host::CommandApplicationRunner application{
        loop, agent::host::ApplicationProfile::compile({}, {}).value(),
        [](const agent::host::ProgramCall&) {}};
    HolderAnswers answers{loop, application,
                          [this](const HolderStatement& statement) { said.push_back(statement); },
                          [](const auto&, const auto&, const auto&) {}};
};

}  // namespace

TEST_CASE("a request to release that is repeated is carried out once and answered again") {
    AskedHost host;
    host.ask(first_release, HolderRequest::release);
    REQUIRE(host.said.size() == 1);
    CHECK(host.said[0].release == ReleaseResult::released);
    CHECK(host.times_released() == 1);

    host.ask(first_release, HolderRequest::release);
    REQUIRE(host.said.size() == 2);
    CHECK(host.said[1] == host.said[0]);
    CHECK(host.times_released() == 1);
}

TEST_CASE("a question older than the one answered last is not answered") {
    AskedHost host;
    host.ask(5, HolderRequest::tell);
    host.ask(4, HolderRequest::tell);
    CHECK(host.said.size() == 1);
    host.ask(first_release + 1, HolderRequest::release);
    CHECK(host.times_released() == 1);
    host.ask(first_release, HolderRequest::release);
    CHECK(host.said.size() == 2);
    CHECK(host.times_released() == 1);
}

TEST_CASE("ordinary questions are answered after a request to release as before it") {
    AskedHost host;
    host.ask(5, HolderRequest::tell);
    host.ask(first_release, HolderRequest::release);
    host.ask(6, HolderRequest::tell);
    REQUIRE(host.said.size() == 3);
    CHECK(host.said[2].id.sequence == 6);
    CHECK(host.said[2].release == ReleaseResult::not_asked);
    host.ask(first_release + 1, HolderRequest::release);
    CHECK(host.said.size() == 4);
    CHECK(host.times_released() == 2);
}

TEST_CASE("a host that may only observe releases nothing and says why") {
    AskedHost host;
    host.configuration.application.observe_only = true;
    host.answers.configure(host.configuration, {});
    host.ask(1, HolderRequest::release);
    REQUIRE(host.said.size() == 1);
    CHECK(host.said[0].release == ReleaseResult::not_configured);
    CHECK_THAT(host.said[0].detail, ContainsSubstring("observe_only"));
    CHECK(host.times_released() == 0);
}

TEST_CASE("a drive that the host does not have is not its own") {
    AskedHost host;
    host.ask(1, HolderRequest::release, "VT9");
    REQUIRE(host.said.size() == 1);
    CHECK(host.said[0].answer == HolderAnswer::not_mine);
    CHECK(host.times_released() == 0);
}

TEST_CASE("the probe does not run when nobody looked for open files") {
    AskedHost host;
    host.configuration.application.holder_probe = {"/bin/true"};
    host.answers.configure(host.configuration, {});
    host.ask(1, HolderRequest::tell);
    REQUIRE(host.said.size() == 1);
    CHECK(host.said[0].answer == HolderAnswer::can_not_tell);
}
