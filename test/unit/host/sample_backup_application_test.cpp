// The sample backup application as a user sees it: what it prints and how it ends.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "run_to_end.hpp"
#include "test/support/catch.hpp"

using namespace agent::host;

namespace {

class Sample {
  public:
    Sample() {
        std::string name = "/tmp/lra-sample-test-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    ~Sample() { std::filesystem::remove_all(folder_); }
    Sample(const Sample&) = delete;
    Sample& operator=(const Sample&) = delete;

    [[nodiscard]] Command command(std::vector<std::string> words) const {
        std::vector<std::string> argv{LRA_BIN_DIR "/sample-backup-application", "--state", state()};
        argv.insert(argv.end(), words.begin(), words.end());
        return command_of(std::move(argv));
    }
    [[nodiscard]] CommandOutcome run(std::vector<std::string> words) const {
        return run_to_end(command(std::move(words)));
    }
    [[nodiscard]] std::string state() const { return (folder_ / "state.json").string(); }

  private:
    std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("drives are added, listed, taken offline and brought back") {
    const Sample sample;
    CHECK(sample.run({"drive", "add", "LTO 1"}).exit_status == 0);
    CHECK(sample.run({"drive", "add", "; rm -rf $(x)"}).exit_status == 0);
    CHECK(sample.run({"drive", "list"}).output ==
          "drive ; rm -rf $(x) is online\ndrive LTO 1 is online\n");
    CHECK(sample.run({"drive", "offline", "LTO 1"}).output == "drive LTO 1 is offline\n");
    CHECK(sample.run({"drive", "status", "LTO 1"}).output == "drive LTO 1 is offline\n");
    CHECK(sample.run({"drive", "check", "LTO 1"}).exit_status == 10);
    CHECK(sample.run({"drive", "online", "LTO 1"}).output == "drive LTO 1 is online\n");
    CHECK(sample.run({"drive", "check", "LTO 1"}).exit_status == 0);
    CHECK(sample.run({"history"}).output == "offline LTO 1\nonline LTO 1\n");
}

TEST_CASE("a drive with a running job drains before it is offline") {
    const Sample sample;
    REQUIRE(sample.run({"drive", "add", "A"}).exit_status == 0);
    CHECK(sample.run({"job", "start", "A"}).exit_status == 0);
    CHECK(sample.run({"drive", "offline", "A"}).output == "drive A is draining (1 job)\n");
    CHECK(sample.run({"drive", "check", "A"}).exit_status == 11);
    CHECK(sample.run({"job", "start", "A"}).exit_status == 5);
    CHECK(sample.run({"job", "end", "A"}).output == "drive A is offline\n");
    CHECK(sample.run({"job", "end", "A"}).exit_status == 5);
}

TEST_CASE("mistakes have exit statuses and words of their own") {
    const Sample sample;
    const auto unknown = sample.run({"drive", "offline", "X"});
    CHECK(unknown.exit_status == 4);
    CHECK(unknown.error_output == "sample-backup-application: ERROR 4: no such drive: X\n");
    CHECK(sample.run({"drive", "explode", "X"}).exit_status == 2);
    CHECK(sample.run({}).exit_status == 2);
    CHECK(
        run_to_end(command_of({LRA_BIN_DIR "/sample-backup-application", "--help"})).exit_status ==
        0);
    std::ofstream(sample.state()) << "not a state file";
    CHECK(sample.run({"drive", "add", "A"}).exit_status == 1);
    std::string kept;
    std::getline(std::ifstream(sample.state()), kept);
    CHECK(kept == "not a state file");
}

TEST_CASE("it misbehaves when told to") {
    const Sample sample;
    REQUIRE(sample.run({"drive", "add", "A"}).exit_status == 0);
    SECTION("fails") {
        REQUIRE(sample.run({"fault", "set", "offline", "fail-with", "7"}).exit_status == 0);
        CHECK(sample.run({"drive", "offline", "A"}).exit_status == 7);
    }
    SECTION("lies") {
        REQUIRE(sample.run({"fault", "set", "offline", "lie"}).exit_status == 0);
        const auto lied = sample.run({"drive", "offline", "A"});
        CHECK(lied.exit_status == 0);
        CHECK(lied.output == "drive A is offline\n");
    }
    SECTION("hangs, and others can still work") {
        REQUIRE(sample.run({"fault", "set", "offline", "hang"}).exit_status == 0);
        auto command = sample.command({"drive", "offline", "A"});
        command.timeout = {200};
        CHECK(run_to_end(command).end == CommandOutcome::End::timed_out);
    }
    CHECK(sample.run({"drive", "status", "A"}).output == "drive A is online\n");
    CHECK(sample.run({"fault", "clear"}).exit_status == 0);
    CHECK(sample.run({"drive", "offline", "A"}).output == "drive A is offline\n");
    CHECK(sample.run({"fault", "set", "offline", "fail-with", "300"}).exit_status == 2);
    CHECK(sample.run({"fault", "set", "dance", "lie"}).exit_status == 2);
}

TEST_CASE("calls at the same time do not lose each other's changes") {
    const Sample sample;
    asio::io_context loop;
    CommandRunner runner(loop);
    int done = 0;
    for (int i = 0; i < 20; ++i) {
        runner.run(
            sample.command({"drive", "add", "D" + std::to_string(100 + i)}),
            [&](const CommandOutcome& outcome) { done += outcome.exit_status == 0 ? 1 : 0; });
    }
    loop.run_for(std::chrono::seconds(20));
    CHECK(done == 20);
    const std::string list = sample.run({"drive", "list"}).output;
    CHECK(std::count(list.begin(), list.end(), '\n') == 20);
}
