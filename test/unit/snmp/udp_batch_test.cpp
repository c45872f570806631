#include "snmp_mib/udp_batch.hpp"

#include <asio/io_context.hpp>
#include <string>
#include <vector>

#include "test/support/catch.hpp"

using namespace snmp_mib;

namespace {

using asio::ip::udp;

struct Ends {
    asio::io_context loop;
    udp::socket from = udp::socket(loop, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    udp::socket to = udp::socket(loop, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    OutgoingDatagrams outgoing;
    IncomingDatagrams incoming;
    std::vector<std::string> refused;

    bool flush() {
        return outgoing.flush(from, [&](const std::string& whose, const asio::error_code& error) {
            CHECK(error);
            refused.push_back(whose);
        });
    }
    std::string text(std::size_t i) const {
        return {incoming.bytes(i).begin(), incoming.bytes(i).end()};
    }
};

}  // namespace

TEST_CASE("datagrams are sent and read many at a time, in order, with where they came from") {
    Ends ends;
    CHECK(ends.incoming.read(ends.to, 256) == 0);
    CHECK(ends.flush());
    for (int i = 0; i < 70; ++i)
        ends.outgoing.add("number " + std::to_string(i), ends.to.local_endpoint(), "peer");
    CHECK(ends.flush());
    CHECK(ends.outgoing.size() == 0);
    CHECK(ends.refused.empty());
    int next = 0;
    for (const std::size_t count : {16U, 16U, 16U, 16U, 6U}) {
        REQUIRE(ends.incoming.read(ends.to, 256) == count);
        for (std::size_t i = 0; i < count; ++i) {
            CHECK(ends.text(i) == "number " + std::to_string(next++));
            CHECK(ends.incoming.from(i) == ends.from.local_endpoint());
        }
    }
    CHECK(ends.incoming.read(ends.to, 256) == 0);
}

TEST_CASE("no more is read than is wanted, and a giant is told from the longest message") {
    Ends ends;
    for (const std::size_t length : {0UL, datagram_length_max, datagram_length_max + 1, 20'000UL})
        ends.outgoing.add(std::string(length, 'x'), ends.to.local_endpoint(), "peer");
    CHECK(ends.flush());
    REQUIRE(ends.incoming.read(ends.to, 3) == 3);
    CHECK(ends.incoming.bytes(0).empty());
    CHECK(ends.incoming.bytes(1).size() == datagram_length_max);
    CHECK(ends.incoming.bytes(2).size() == datagram_length_max + 1);
    REQUIRE(ends.incoming.read(ends.to, 3) == 1);
    CHECK(ends.incoming.bytes(0).size() == datagram_length_max + 1);
}

TEST_CASE("a datagram that the system refuses is told, and holds up no other") {
    Ends ends;
    const udp::endpoint everybody(asio::ip::address_v4::broadcast(), 9);  // a privilege
    ends.outgoing.add("first", ends.to.local_endpoint(), "one");
    ends.outgoing.add("second", everybody, "two");
    ends.outgoing.add("third", ends.to.local_endpoint(), "three");
    ends.outgoing.add(std::string(70'000, 'x'), ends.to.local_endpoint(), "four");
    ends.outgoing.add("fifth", ends.to.local_endpoint(), "five");
    CHECK(ends.flush());
    CHECK(ends.refused == std::vector<std::string>{"two", "four"});
    REQUIRE(ends.incoming.read(ends.to, 256) == 3);
    CHECK(ends.text(0) == "first");
    CHECK(ends.text(1) == "third");
    CHECK(ends.text(2) == "fifth");
}
