#include "drive_iface/events/channel_address.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "test/support/catch.hpp"

using namespace drive_iface::events;

TEST_CASE("Unix sockets and loopback addresses are accepted") {
    for (const auto* text : {"unix:/run/lra/events.sock", "tcp:127.0.0.1:7000", "tcp:127.9.9.9:0",
                             "tcp:[::1]:7000", "tcp:localhost:7000"}) {
        INFO(text);
        CHECK(channel_address(text).ok());
    }
}

TEST_CASE("with TLS any machine's address is accepted, and still no name") {
    for (const auto* text : {"tcp:192.0.2.1:7000", "tcp:0.0.0.0:0", "tcp:[2001:db8::1]:7000"}) {
        INFO(text);
        CHECK(channel_address(text, Reach::any_machine).ok());
    }
    CHECK_FALSE(channel_address("tcp:library.example.org:7000", Reach::any_machine).ok());
    CHECK(host_of(*channel_address("tcp:[2001:db8::1]:7000", Reach::any_machine)) == "2001:db8::1");
    CHECK(host_of(*channel_address("tcp:192.0.2.1:7", Reach::any_machine)) == "192.0.2.1");
    CHECK(host_of(*channel_address("unix:/run/x")).empty());
}

TEST_CASE("anything else is refused in words") {
    const struct {
        const char* text;
        const char* words;
    } rows[] = {
        {"", "neither unix:PATH nor tcp:HOST:PORT"},
        {"udp:127.0.0.1:1", "neither unix:PATH"},
        {"unix:", "1 to 107 bytes"},
        {"tcp:127.0.0.1", "tcp:HOST:PORT"},
        {"tcp:127.0.0.1:", "tcp:HOST:PORT"},
        {"tcp:127.0.0.1:65536", "tcp:HOST:PORT"},
        {"tcp:127.0.0.1:7x", "tcp:HOST:PORT"},
        {"tcp:0.0.0.0:7000", "events.tls"},
        {"tcp:192.0.2.1:7000", "events.tls"},
        {"tcp:library.example.org:7000", "names are not looked up"},
        {"tcp:[2001:db8::1]:7000", "events.tls"},
        {"tcp:[::]:7000", "events.tls"},
    };
    for (const auto& row : rows) {
        INFO(row.text);
        const auto address = channel_address(row.text);
        REQUIRE_FALSE(address.ok());
        CHECK_THAT(address.error().message, ContainsSubstring(row.words));
    }
    CHECK_FALSE(channel_address("unix:" + std::string(108, 'x')).ok());
    CHECK(channel_address("unix:" + std::string(107, 'x')).ok());
}

TEST_CASE("a peer's group is found among however many") {
    if (::geteuid() != 0) return;  // only root can give a process groups
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::vector<gid_t> groups;
        while (groups.size() < 3'000)
            groups.push_back(100'000 + static_cast<gid_t>(groups.size()));
        int ends[2];
        if (::setgroups(groups.size(), groups.data()) != 0 ||
            ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
            ::_exit(2);
        ::_exit(peer_has_group(ends[0], 102'999) && !peer_has_group(ends[0], 103'000) ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("a process of our own user may take part, a socket without credentials may not") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(peer_may_take_part(ends[0]).ok());
    ::close(ends[0]);
    ::close(ends[1]);
    CHECK_FALSE(peer_may_take_part(ends[0]).ok());
}
