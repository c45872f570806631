// What comes before anything is looked up: the head of a request, its guard, its numbers.

#include "drive_iface/web/guard.hpp"
#include "drive_iface/web/request_head.hpp"
#include "drive_iface/web/request_values.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::web;

namespace {

const std::string good_head = "GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

int status_of(const std::string& head) {
    const auto read = read_request_head(head);
    const auto* wrong = std::get_if<WrongHead>(&read);
    return wrong == nullptr ? 200 : wrong->status;
}

RequestHead head_of(const std::string& text) {
    auto read = read_request_head(text);
    REQUIRE(std::holds_alternative<RequestHead>(read));
    return std::get<RequestHead>(read);
}

}  // namespace

TEST_CASE("of a head only what means something is left") {
    const auto head = head_of(
        "GET /a?b=c HTTP/1.1\r\nhOST:  127.0.0.1:8480 \r\nRange: bytes=0-1,0-1\r\nAccept-Encoding: "
        "br\r\nExpect: 100-continue\r\nCookie: \xff\xfe\r\nSEC-FETCH-SITE: none\r\n\r\n");
    CHECK(head.text ==
          "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nSec-Fetch-Site: none\r\n\r\n");
    CHECK(head.keep_open);
}

TEST_CASE("a connection ends behind a request that wants it, or has a body") {
    const auto with = [](const std::string& header) {
        return head_of("GET / HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n\r\n").keep_open;
    };
    CHECK(!with("Connection: Close"));
    CHECK(!with("Connection: keep-alive, close"));
    CHECK(!with("Content-Length: 10"));
    CHECK(!with("Transfer-Encoding: chunked"));
    CHECK(with("Content-Length: 0"));
    CHECK(with("Connection: keep-alive"));
}

TEST_CASE("a head that is cut anywhere is refused, and never believed") {
    for (std::size_t length = 0; length < good_head.size(); ++length) {
        INFO(length);
        CHECK(status_of(good_head.substr(0, length)) == 400);
    }
    CHECK(status_of(good_head) == 200);
}

TEST_CASE("wrong heads are told what is wrong with them") {
    const auto request = [](const std::string& line) {
        return status_of(line + "\r\nHost: localhost\r\n\r\n");
    };
    CHECK(request("POST / HTTP/1.1") == 405);
    CHECK(request("DELETE /api/snapshots/1 HTTP/1.1") == 405);
    CHECK(request("BREW / HTTP/1.1") == 405);
    CHECK(request("CONNECT localhost:80 HTTP/1.1") == 405);
    CHECK(request("get / HTTP/1.1") == 405);
    CHECK(request("G(T / HTTP/1.1") == 400);
    CHECK(request("HEAD / HTTP/1.1") == 200);
    CHECK(request("GET / HTTP/1.0") == 505);
    CHECK(request("GET / HTTP/2.0") == 505);
    CHECK(request("GET / ") == 505);
    CHECK(request("GET /") == 400);
    CHECK(request("GET  / HTTP/1.1") == 400);
    CHECK(request("GET / HTTP/1.1 x") == 400);
    CHECK(request("GET http://localhost/ HTTP/1.1") == 400);
    CHECK(request("GET * HTTP/1.1") == 400);
    CHECK(request("GET /?a?b HTTP/1.1") == 400);
    CHECK(request("GET /\x01 HTTP/1.1") == 400);
    CHECK(request("GET /\xc3\xa4 HTTP/1.1") == 400);
    CHECK(request("GET /" + std::string(request_line_max, 'a') + " HTTP/1.1") == 414);
    const auto headers = [](const std::string& lines) {
        return status_of("GET / HTTP/1.1\r\n" + lines + "\r\n");
    };
    CHECK(headers("") == 400);
    CHECK(headers("Host: localhost\r\nHost: localhost\r\n") == 400);
    CHECK(headers("Host: local\x7fhost\r\n") == 400);
    CHECK(headers("Host: localhost\r\n folded\r\n") == 400);
    CHECK(headers("Host: localhost\r\nno colon\r\n") == 400);
    CHECK(headers("Host : localhost\r\n") == 400);
    CHECK(headers("Host: localhost\r\n: nameless\r\n") == 400);
    std::string many = "Host: localhost\r\n";
    for (std::size_t i = 0; i < request_headers_max; ++i)
        many += "A: b\r\n";
    CHECK(headers(many) == 431);
    CHECK(headers("Host: localhost\r\nA: " + std::string(request_head_max, 'a') + "\r\n") == 431);
}

TEST_CASE("only names of this machine are answered") {
    for (const auto* host : {"localhost", "LocalHost:8480", "127.0.0.1", "127.0.0.1:1",
                             "127.255.255.254:65535", "[::1]", "[::1]:8480"}) {
        INFO(host);
        CHECK(is_loopback_name(host));
    }
    for (const auto* host : {"",
                             "example.org",
                             "localhost.example.org",
                             "127.0.0.1.example.org",
                             "127.0.0.1.nip.io:80",
                             "127.0.0",
                             "127.1",
                             "127.0.0.1.1",
                             "127.0.0.",
                             "127..0.1",
                             "2130706433",
                             "0x7f.0.0.1",
                             "[::]",
                             "[::1",
                             "[::1]x",
                             "::1",
                             "localhost:",
                             "localhost:http",
                             "localhost:123456",
                             "localhost:80:80",
                             "localhost ",
                             "0.0.0.0",
                             "[::ffff:127.0.0.1]",
                             "[::2]:80"}) {
        INFO(host);
        CHECK(!is_loopback_name(host));
    }
}

TEST_CASE("another site's page reads nothing, and may link to the page") {
    Request request{.method = "GET",
                    .path = "/api/live",
                    .parameters = {},
                    .host = "localhost",
                    .fetch_site = ""};
    CHECK(!refused(request));
    request.fetch_site = "same-origin";
    CHECK(!refused(request));
    request.fetch_site = "none";
    CHECK(!refused(request));
    for (const auto* site : {"cross-site", "same-site", "nonsense"}) {
        request.fetch_site = site;
        request.path = "/api/live";
        REQUIRE(refused(request));
        CHECK(refused(request)->status == 403);
        request.path = "/";
        CHECK(!refused(request));
    }
    request.host = "evil.example";
    REQUIRE(refused(request));
    CHECK(refused(request)->status == 403);
}

TEST_CASE("a path has parts, none of which leads elsewhere") {
    using Parts = std::vector<std::string>;
    CHECK(path_parts("/api/live") == Parts{"api", "live"});
    CHECK(path_parts("/") == Parts{});
    for (const auto* path : {"", "api", "//", "/api//live", "/api/", "/..", "/api/../etc/passwd",
                             "/./api", "/1/2/3/4/5/6/7/8/9"}) {
        INFO(path);
        CHECK(!path_parts(path));
    }
    CHECK(path_parts("/...") == Parts{"..."});
}

TEST_CASE("numbers are decimal and in range, and parameters known and single") {
    CHECK(decimal_number("0", 0, 9) == 0u);
    CHECK(decimal_number("18446744073709551615", 0, UINT64_MAX) == UINT64_MAX);
    for (const auto* text : {"", "-1", "+1", " 1", "1 ", "01", "1.0", "1e3", "0x10", "ten",
                             "18446744073709551616", "99999999999999999999999999999999"}) {
        INFO(text);
        CHECK(!decimal_number(text, 0, UINT64_MAX));
    }
    CHECK(!decimal_number("0", 1, 9));
    CHECK(!decimal_number("10", 1, 9));
    const auto read = [](const Parameters& given) {
        return parameter_values(given, {{"first", 0, 100, 7}, {"limit", 1, 10, 5}});
    };
    CHECK(read({}).value() == std::vector<std::uint64_t>{7, 5});
    CHECK(read({{"limit", "10"}}).value() == std::vector<std::uint64_t>{7, 10});
    CHECK(read({{"limit", "11"}}).error().message == "limit is not a number from 1 to 10");
    CHECK(read({{"limit", ""}}).error().message == "limit is not a number from 1 to 10");
    CHECK(read({{"limit", "1"}, {"limit", "1"}}).error().message == "\"limit\" stands twice");
    CHECK(read({{"lim\nit\"", "1"}}).error().message ==
          "\"lim?it?\" means nothing here; known: first, limit");
}
