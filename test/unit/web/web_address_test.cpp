#include "drive_iface/web/web_address.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::web;

TEST_CASE("loopback addresses are taken, with any port") {
    CHECK(web_address_from_text("127.0.0.1:8480") == WebAddress{"127.0.0.1", 8480});
    CHECK(web_address_from_text("127.1.2.3:0") == WebAddress{"127.1.2.3", 0});
    CHECK(web_address_from_text("localhost:1") == WebAddress{"127.0.0.1", 1});
    CHECK(web_address_from_text("[::1]:65535") == WebAddress{"::1", 65535});
    CHECK(to_text({"::1", 80}) == "[::1]:80");
    CHECK(to_text({"127.0.0.1", 80}) == "127.0.0.1:80");
}

TEST_CASE("other addresses are refused with the reason and a way") {
    for (const auto* text : {"0.0.0.0:80", "192.0.2.1:80", "[::]:80", "[::ffff:127.0.0.1]:80",
                             "example.org:80", "128.0.0.1:80", "localhost.example.org:80"}) {
        INFO(text);
        CHECK(!web_address_from_text(text));
        const auto words = wrong_with_web_address(text);
        REQUIRE(words);
        CHECK(words->find("is not a loopback address") != std::string::npos);
        CHECK(words->find("ssh -L") != std::string::npos);
    }
    for (const auto* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                             "8480", ":8480", "127.0.0.1:84 80", "::1:80"}) {
        INFO(text);
        const auto words = wrong_with_web_address(text);
        REQUIRE(words);
        CHECK(words->find("HOST:PORT") != std::string::npos);
    }
    CHECK(!wrong_with_web_address("127.0.0.1:8480"));
}
