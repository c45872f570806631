#include "snmp_mib/query_filter.hpp"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "snmp_mib/datagram.hpp"
#include "test/support/catch.hpp"

using snmp_mib::QueryFilter;
using snmp_mib::QueryVerdict;

namespace {

using Datagram = std::vector<std::uint8_t>;

Datagram captured_datagram(const std::string& name) {
    std::ifstream in(std::string(LRA_FIXTURES "/snmp/") + name, std::ios::binary);
    Datagram bytes{std::istreambuf_iterator<char>(in), {}};
    REQUIRE_FALSE(bytes.empty());
    return bytes;
}

const std::string host = "192.0.2.1";

// The engine that the captured inform is addressed to.
std::string engine_of(const Datagram& inform) {
    const auto envelope = snmp_mib::envelope_of(inform);
    return std::get<snmp_mib::V3Envelope>(envelope).authoritative_engine_id;
}

std::string user_of(const Datagram& inform) {
    const auto envelope = snmp_mib::envelope_of(inform);
    return std::get<snmp_mib::V3Envelope>(envelope).user;
}

}  // namespace

TEST_CASE("a message that claims to be a stranger's is answered so often and no more") {
    const Datagram inform = captured_datagram("confirmation-inform.bin");
    QueryFilter filter(engine_of(inform), {"somebody else"});
    std::int64_t passed = 0;
    for (int i = 0; i < 1'000; ++i)
        passed += filter.judge(inform, host, 0) == QueryVerdict::pass ? 1 : 0;
    CHECK(passed == QueryFilter::answers_at_once);
}

TEST_CASE("a query passes when it is for this engine, authenticated and encrypted") {
    const Datagram inform = captured_datagram("confirmation-inform.bin");
    QueryFilter filter(engine_of(inform), {user_of(inform)});
    for (int i = 0; i < 1'000; ++i)
        REQUIRE(filter.judge(inform, host, 0) == QueryVerdict::pass);
}

TEST_CASE("what is no SNMPv3 message does not reach the library's parser") {
    const Datagram inform = captured_datagram("confirmation-inform.bin");
    QueryFilter filter(engine_of(inform), {user_of(inform)});
    for (std::size_t length = 0; length < inform.size(); ++length) {
        const Datagram cut(inform.begin(), inform.begin() + static_cast<std::ptrdiff_t>(length));
        REQUIRE(filter.judge(cut, host, 0) == QueryVerdict::malformed);
    }
    CHECK(filter.judge(Datagram(8'193, 0x30), host, 0) == QueryVerdict::oversize);
    CHECK(filter.judge(captured_datagram("v2c-inform.bin"), host, 0) == QueryVerdict::version);
}

TEST_CASE("another engine's message passes only when it wants to hear of ours, and not too often") {
    const Datagram inform =
        captured_datagram("confirmation-inform.bin");  // with the reportable flag
    QueryFilter filter("another engine", {user_of(inform)});
    const auto passed = [&](const std::string& source, std::int64_t now_ms) {
        int count = 0;
        for (int i = 0; i < 1'000; ++i)
            count += filter.judge(inform, source, now_ms) == QueryVerdict::pass ? 1 : 0;
        return count;
    };
    CHECK(passed(host, 0) == 100);
    CHECK(filter.judge(inform, host, 0) == QueryVerdict::rate);
    CHECK(passed("192.0.2.2", 0) == 100);
    CHECK(passed(host, 1'000) == 50);
    CHECK(passed(host, 60'000) == 100);

    const Datagram discovery = captured_datagram("discovery.bin");
    CHECK(filter.judge(discovery, "192.0.2.3", 60'000) == QueryVerdict::pass);
    const Datagram report = captured_datagram("discovery-report.bin");  // without that flag
    CHECK(filter.judge(report, "192.0.2.3", 60'000) == QueryVerdict::engine);
}

TEST_CASE("however many addresses ask, only so many are remembered") {
    const Datagram discovery = captured_datagram("discovery.bin");
    QueryFilter filter("own engine", {});
    const auto from = [&](std::size_t number, std::int64_t now_ms) {
        return filter.judge(discovery, std::to_string(number), now_ms);
    };
    for (std::size_t i = 0; i < QueryFilter::sources_max; ++i)
        REQUIRE(from(i, 0) == QueryVerdict::pass);
    CHECK(from(QueryFilter::sources_max, 0) == QueryVerdict::rate);
    // One answer is back after a fiftieth of a second; the others have made room then.
    CHECK(from(QueryFilter::sources_max, 20) == QueryVerdict::pass);
}
