#include "agent/runtime/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "temporary_folder.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using agent::core::Duration;
using agent::core::Instant;

namespace {

// What `body` writes to stderr. With `journal`, stderr looks like the journal's stream.
template <typename Body>
std::string stderr_of(bool journal, Body body) {
    const TemporaryFolder folder;
    const std::string path = folder.write("stderr", "");
    const int saved = ::dup(STDERR_FILENO);
    const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    ::dup2(file, STDERR_FILENO);
    struct stat status {};
    ::fstat(file, &status);
    const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
    ::setenv("JOURNAL_STREAM", journal ? stream.c_str() : "1:1", 1);
    start_log("tested");
    body();
    ::unsetenv("JOURNAL_STREAM");
    ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    ::close(file);
    start_log("runtime_test");
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("in the journal a line begins with its priority, and the journal keeps the time") {
    const std::string text = stderr_of(true, [] {
        log_debug("not wanted");
        log_info("one");
        log_warning("two");
        log_error("three");
        log_critical("four");
    });
    CHECK(text == "<6>one\n<4>two\n<3>three\n<2>four\n");
}

TEST_CASE("elsewhere a line says when, who and how bad") {
    const std::string text = stderr_of(false, [] { log_warning("drive VT1 does not answer"); });
    CHECK_THAT(text, ContainsSubstring("Z tested warning: drive VT1 does not answer\n"));
    CHECK(text.substr(0, 2) == "20");
}

TEST_CASE("text from outside can not forge a line") {
    const std::string text = stderr_of(true, [] { log_info("name\n<0>forged\x1b[2J{}"); });
    CHECK(text == "<6>name <0>forged [2J{}\n");
}

TEST_CASE("an event is logged with its identifier at its severity") {
    const std::string text = stderr_of(true, [] {
        log_event({{0},
                   agent::core::Severity::critical,
                   "LRA2003",
                   {"VT1"},
                   "host1",
                   std::nullopt,
                   "drive VT1: host1 is gone"});
        log_event({{0}, agent::core::Severity::info, "LRA1001", {}, "", std::nullopt, "started"});
    });
    CHECK(text == "<2>LRA2003 drive VT1: host1 is gone\n<6>LRA1001 started\n");
}

TEST_CASE("a limited line is held back in a burst and says afterwards how often") {
    LogLimit limit(2, Duration{1'000});
    CHECK(limit.admit(Instant{0}) == 0U);
    CHECK(limit.admit(Instant{10}) == 0U);
    for (int i = 0; i < 5; ++i)
        CHECK_FALSE(limit.admit(Instant{20}));
    CHECK_FALSE(limit.admit(Instant{999}));
    CHECK(limit.admit(Instant{1'000}) == 6U);
    CHECK(limit.admit(Instant{1'001}) == 0U);
    CHECK_FALSE(limit.admit(Instant{1'002}));
}
