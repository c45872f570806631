#include "drive_iface/web/connection_owner.hpp"

#include <unistd.h>

#include <asio/connect.hpp>
#include <asio/io_context.hpp>

#include "test/support/catch.hpp"

using namespace drive_iface::web;
using asio::ip::tcp;

namespace {

tcp::endpoint at(const char* address, std::uint16_t port) {
    return {asio::ip::make_address(address), port};
}

// As Linux 6.1 printed it on a little-endian machine.
constexpr std::string_view table_of_two =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:2120 00000000:0000 0A 00000000:00000000 00:00000000 00000000   111        0 "
    "5417 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0100007F:A1B2 0100007F:2120 01 00000000:00000000 00:00000000 00000000  1000        0 "
    "9921 1 0000000000000000 20 4 30 10 -1\n"
    "   2: 0100007F:A1B3 0100007F:2120 06 00000000:00000000 03:00000F1A 00000000     0        0 0 "
    "3 0000000000000000\n";

}  // namespace

TEST_CASE("the owner of a loopback connection is read from the kernel's table") {
    const auto here = at("127.0.0.1", 0x2120);
    CHECK(owner_in(table_of_two, at("127.0.0.1", 0xa1b2), here) == uid_t{1000});
    CHECK_FALSE(owner_in(table_of_two, at("127.0.0.1", 0xa1b4), here));
    CHECK_FALSE(owner_in(table_of_two, at("127.0.0.2", 0xa1b2), here));
    INFO("a connection that ended has no owner any more");
    CHECK_FALSE(owner_in(table_of_two, at("127.0.0.1", 0xa1b3), here));
}

TEST_CASE("a cut or broken table names nobody, and never somebody else") {
    const auto here = at("127.0.0.1", 0x2120);
    const auto there = at("127.0.0.1", 0xa1b2);
    for (std::size_t length = 0; length <= table_of_two.size(); ++length) {
        const auto owner = owner_in(table_of_two.substr(0, length), there, here);
        CHECK(owner.value_or(1000) == 1000);
    }
    CHECK_FALSE(owner_in("1: 0100007F:A1B2 0100007F:2120 01 0 0 0 root\n", there, here));
    CHECK_FALSE(owner_in("1: 0100007F:A1B2 0100007F:2120 01 0 0 0 99999999999\n", there, here));
    CHECK_FALSE(owner_in(std::string(100'000, ' '), there, here));
}

TEST_CASE("a real connection of this process belongs to its user") {
    for (const char* address : {"127.0.0.1", "::1"}) {
        asio::io_context loop;
        asio::error_code error;
        tcp::acceptor acceptor(loop);
        const tcp::endpoint wanted = at(address, 0);
        acceptor.open(wanted.protocol(), error);
        if (!error) acceptor.bind(wanted, error);
        if (error && wanted.address().is_v6()) continue;  // a machine without IPv6
        acceptor.listen();
        tcp::socket client(loop);
        client.connect(acceptor.local_endpoint());
        const auto server = acceptor.accept();
        CHECK(connection_owner(server.remote_endpoint(), server.local_endpoint()) == ::getuid());
        CHECK_FALSE(connection_owner(at(address, 1), server.local_endpoint()));
    }
}

TEST_CASE("only listed users may see the page, and without a list everybody") {
    CHECK(may_see({}, std::nullopt));
    CHECK(may_see({0, 1000}, uid_t{1000}));
    CHECK_FALSE(may_see({0, 1000}, uid_t{1001}));
    CHECK_FALSE(may_see({0, 1000}, std::nullopt));
}
