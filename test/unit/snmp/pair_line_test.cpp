#include "snmp_mib/pair_line.hpp"

#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/oids.hpp"
#include "test/support/catch.hpp"

namespace {

snmp_mib::PairLine usual_line() {
    return {"library-1-a", "host-a", "1 lease 4711 1"};
}

}  // namespace

TEST_CASE("a line of a pair reads back as it was written") {
    const auto written = snmp_mib::encode(usual_line(), {4711});
    CHECK(snmp_mib::is_pair_line(written));
    const auto read = snmp_mib::decode_pair_line(written);
    REQUIRE(read);
    CHECK(*read == usual_line());
    CHECK_FALSE(snmp_mib::decode(written));
}

TEST_CASE("a line of a pair without one of its objects, or with one more, is refused") {
    const auto whole = snmp_mib::encode(usual_line(), {0});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CHECK_FALSE(snmp_mib::decode_pair_line(std::span(whole).first(length)));
    }
    auto longer = whole;
    longer.push_back(whole.back());
    CHECK_FALSE(snmp_mib::decode_pair_line(longer));
    auto exchanged = whole;
    std::swap(exchanged[2], exchanged[3]);
    CHECK_FALSE(snmp_mib::decode_pair_line(exchanged));
}

TEST_CASE("a line of a pair has a sender, a receiver and a length that fits a datagram") {
    for (const auto& wrong : {snmp_mib::PairLine{"", "host-a", "x"},
                              {std::string(65, 'a'), "host-a", "x"},
                              {"a", "", "x"},
                              {"a", "b", ""},
                              {"a", "b", std::string(snmp_mib::pair_line_length_max + 1, 'x')},
                              {"a", "b", "line\nbroken"}}) {
        CHECK_FALSE(snmp_mib::decode_pair_line(snmp_mib::encode(wrong, {0})));
    }
    const snmp_mib::PairLine longest{std::string(64, 'a'), std::string(64, 'b'),
                                     std::string(snmp_mib::pair_line_length_max, 'x')};
    CHECK(snmp_mib::decode_pair_line(snmp_mib::encode(longest, {0})));
}
