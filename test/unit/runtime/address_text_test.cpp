#include "agent/runtime/address_text.hpp"

#include "test/support/catch.hpp"

using namespace agent::runtime;

TEST_CASE("an address keeps its form through text and back") {
    for (const char* text :
         {"udp:192.0.2.10:1162", "tcp:controller.example:3260", "udp:[2001:db8::1]:162",
          "unix:/run/lra/events.sock", "udp:127.0.0.1:0", "udp:[fe80::1%eth0]:162"}) {
        const auto address = address_from_text(text);
        REQUIRE(address);
        CHECK(to_text(*address) == text);
    }
}

TEST_CASE("this machine's own addresses are known") {
    for (const char* text :
         {"tcp:127.0.0.1:1", "tcp:127.9.8.7:1", "tcp:[::1]:1", "tcp:localhost:1"})
        CHECK(is_loopback(*address_from_text(text)));
    for (const char* text : {"tcp:0.0.0.0:1", "tcp:192.0.2.1:1", "tcp:[::]:1", "tcp:host:1"})
        CHECK_FALSE(is_loopback(*address_from_text(text)));
}

TEST_CASE("a text that is not quite an address is refused") {
    for (const char* text :
         {"", "udp:", "udp:host", "udp:host:", "udp::162", "udp:host:65536", "udp:host:-1",
          "udp:host:16x", "udp:ho st:162", "192.0.2.10:162", "UDP:host:162", "udp:[]:162",
          "udp:[host]:162", "udp:2001:db8::1:162", "unix:", "tcp:[::1]", "udp:host:162 "}) {
        INFO(text);
        CHECK_FALSE(address_from_text(text));
    }
    CHECK_FALSE(address_from_text("unix:/" + std::string(107, 'x')));
    CHECK(address_from_text("unix:/" + std::string(106, 'x')));
}

TEST_CASE("a wrong address is answered with an example of a right one") {
    CHECK_FALSE(wrong_with_udp_address("udp:h:1"));
    CHECK_THAT(*wrong_with_udp_address("tcp:h:1"), ContainsSubstring("udp:192.0.2.10:1162"));
    CHECK_FALSE(wrong_with_tcp_address("tcp:h:1"));
    CHECK(wrong_with_tcp_address("unix:/x"));
    CHECK_FALSE(wrong_with_stream_address("unix:/x"));
    CHECK_FALSE(wrong_with_stream_address("tcp:h:1"));
    CHECK(wrong_with_stream_address("udp:h:1"));
}
