#include "agent/shell/daemon_link.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "test/support/catch.hpp"

using namespace agent::shell;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;

namespace {

// What is advised to user 65534, or to ourselves where we may not change who we are.
std::string advised(const std::string& socket) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::geteuid() == 0 && ::setresuid(65'534, 65'534, 65'534) != 0) ::_exit(1);
        const std::string text =
            remedy(ControlError{ControlErrorCode::no_connection, "no"}, {}, {Daemon::lrad, socket});
        ::_exit(::write(ends[1], text.data(), text.size()) < 0 ? 1 : 0);
    }
    ::close(ends[1]);
    std::array<char, 1024> text{};
    const ssize_t count = ::read(ends[0], text.data(), text.size());
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    REQUIRE(count > 0);
    return {text.data(), static_cast<std::size_t>(count)};
}

}  // namespace

TEST_CASE("who has no permission on a socket is sent to its group, and not to the daemon") {
    std::string folder = "/tmp/lra-shell-test.XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    REQUIRE(::chmod(folder.c_str(), 0755) == 0);
    CHECK_THAT(advised(folder + "/lrad.sock"), ContainsSubstring("systemctl status lrad"));
    const std::string closed = folder + "/closed";
    REQUIRE(::mkdir(closed.c_str(), 0000) == 0);
    CHECK_THAT(advised(closed + "/lrad.sock"), ContainsSubstring("group lra"));
    std::filesystem::remove_all(folder);
}
