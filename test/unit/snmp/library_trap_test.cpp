#include "snmp_mib/library_trap.hpp"

#include "snmp_mib/oids.hpp"
#include "test/support/catch.hpp"

using namespace snmp_mib;
using agent::core::DriveSerial;

namespace {

// What Debian's snmptrap sent for: snmptrap -v 2c -c library HOST 1193046
// 1.3.6.1.4.1.14851.3.1.16.0.8 1.3.6.1.4.1.14851.3.1.6.2.1.3.1 s "IBM ULT3580-TD8 VT00000001"
const std::vector<std::uint8_t> drive_op_status_changed{
    0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x07, 0x6c, 0x69, 0x62, 0x72, 0x61, 0x72, 0x79, 0xa7, 0x69,
    0x02, 0x04, 0x66, 0xc9, 0xa5, 0x92, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x5b, 0x30, 0x0f,
    0x06, 0x08, 0x2b, 0x06, 0x01, 0x02, 0x01, 0x01, 0x03, 0x00, 0x43, 0x03, 0x12, 0x34, 0x56, 0x30,
    0x1a, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x06, 0x03, 0x01, 0x01, 0x04, 0x01, 0x00, 0x06, 0x0c, 0x2b,
    0x06, 0x01, 0x04, 0x01, 0xf4, 0x03, 0x03, 0x01, 0x10, 0x00, 0x08, 0x30, 0x2c, 0x06, 0x0e, 0x2b,
    0x06, 0x01, 0x04, 0x01, 0xf4, 0x03, 0x03, 0x01, 0x06, 0x02, 0x01, 0x03, 0x01, 0x04, 0x1a, 0x49,
    0x42, 0x4d, 0x20, 0x55, 0x4c, 0x54, 0x33, 0x35, 0x38, 0x30, 0x2d, 0x54, 0x44, 0x38, 0x20, 0x56,
    0x54, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x31};
constexpr std::size_t pdu_tag_at = 14;

// And for: snmptrap -v 1 -c library HOST 1.3.6.1.4.1.3764.1.10.10 192.0.2.60 6 117 4711
// 1.3.6.1.4.1.3764.1.10.10.12.3.1.1.1 s "drive VT00000001 is offline"
const std::vector<std::uint8_t> online_state_change_v1{
    0x30, 0x5c, 0x02, 0x01, 0x00, 0x04, 0x07, 0x6c, 0x69, 0x62, 0x72, 0x61, 0x72, 0x79, 0xa4, 0x4e,
    0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9d, 0x34, 0x01, 0x0a, 0x0a, 0x40, 0x04, 0xc0, 0x00,
    0x02, 0x3c, 0x02, 0x01, 0x06, 0x02, 0x01, 0x75, 0x43, 0x02, 0x12, 0x67, 0x30, 0x30, 0x30, 0x2e,
    0x06, 0x0f, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9d, 0x34, 0x01, 0x0a, 0x0a, 0x0c, 0x03, 0x01, 0x01,
    0x01, 0x04, 0x1b, 0x64, 0x72, 0x69, 0x76, 0x65, 0x20, 0x56, 0x54, 0x30, 0x30, 0x30, 0x30, 0x30,
    0x30, 0x30, 0x31, 0x20, 0x69, 0x73, 0x20, 0x6f, 0x66, 0x66, 0x6c, 0x69, 0x6e, 0x65};
constexpr std::size_t generic_trap_at = 36;
constexpr std::size_t specific_trap_at = 39;

}  // namespace

TEST_CASE("a version 2c trap is read with its texts and its trap OID") {
    const auto trap = community_trap_of(drive_op_status_changed);
    REQUIRE(trap);
    CHECK(trap->community == "library");
    CHECK(trap->response.empty());
    REQUIRE(trap->varbinds.size() == 3);
    CHECK(trap_oid_of(trap->varbinds) == trap->trap);
    CHECK(drive_trap_name(trap->trap) == "SML driveOpStatusChanged");
    CHECK(drives_named_in(trap->varbinds, {{"VT00000001"}, {"VT00000002"}}) ==
          std::vector<DriveSerial>{{"VT00000001"}});
}

TEST_CASE("an inform of version 2c is answered with its own variables") {
    auto inform = drive_op_status_changed;
    inform[pdu_tag_at] = 0xa6;
    const auto trap = community_trap_of(inform);
    REQUIRE(trap);
    CHECK(drive_trap_name(trap->trap) == "SML driveOpStatusChanged");
    auto response = inform;
    response[pdu_tag_at] = 0xa2;
    CHECK(trap->response == std::string(response.begin(), response.end()));
}

TEST_CASE("a version 1 trap is known by its enterprise and its number") {
    const auto trap = community_trap_of(online_state_change_v1);
    REQUIRE(trap);
    CHECK(trap->community == "library");
    CHECK(trap->response.empty());
    CHECK(trap->trap == Oid{1, 3, 6, 1, 4, 1, 3764, 1, 10, 10, 0, 117});
    CHECK(drive_trap_name(trap->trap) == "Quantum driveOnlineStateChange");
    CHECK(drives_named_in(trap->varbinds, {{"VT00000001"}, {"VT00000002"}}) ==
          std::vector<DriveSerial>{{"VT00000001"}});

    auto cold_start = online_state_change_v1;
    cold_start[generic_trap_at] = 0;
    CHECK(community_trap_of(cold_start)->trap == Oid{1, 3, 6, 1, 6, 3, 1, 1, 5, 1});
    for (const std::uint8_t generic : std::vector<std::uint8_t>{7, 0x80}) {
        auto unknown = online_state_change_v1;
        unknown[generic_trap_at] = generic;
        CHECK_FALSE(community_trap_of(unknown));
    }
    auto negative = online_state_change_v1;
    negative[specific_trap_at] = 0x80;
    CHECK_FALSE(community_trap_of(negative));
}

TEST_CASE("a trap that is cut at any length, or longer than it says, is no trap") {
    for (const auto& whole : {drive_op_status_changed, online_state_change_v1}) {
        for (std::size_t length = 0; length < whole.size(); ++length)
            CHECK_FALSE(community_trap_of(std::span(whole).first(length)));
        auto longer = whole;
        longer.push_back(0);
        CHECK_FALSE(community_trap_of(longer));
        auto other_version = whole;
        other_version[4] ^= 1;  // its PDU does not exist there
        CHECK_FALSE(community_trap_of(other_version));
    }
    auto answer = drive_op_status_changed;
    answer[pdu_tag_at] = 0xa2;
    CHECK_FALSE(community_trap_of(answer));
}

TEST_CASE("traps about drives are known, and no others") {
    const Oid quantum{1, 3, 6, 1, 4, 1, 3697, 1, 10, 15};
    CHECK(drive_trap_name(oids::below(quantum, {0, 109})) == "Quantum driveStateChange");
    CHECK(drive_trap_name(oids::below(quantum, {109})) == "Quantum driveStateChange");
    CHECK_FALSE(drive_trap_name(oids::below(quantum, {0, 110})));
    CHECK_FALSE(drive_trap_name(oids::below(quantum, {1, 2, 3, 109})));
    CHECK_FALSE(drive_trap_name(quantum));
    CHECK(drive_trap_name({1, 3, 6, 1, 4, 1, 3764, 1, 10, 10, 0, 117}));
    CHECK(drive_trap_name({1, 3, 6, 1, 4, 1, 1211, 1, 15, 3, 0, 41}));
    CHECK(drive_trap_name({1, 3, 6, 1, 4, 1, 1211, 1, 15, 0, 45}));
    CHECK_FALSE(drive_trap_name({1, 3, 6, 1, 4, 1, 1211, 1, 15, 0, 15}));  // a heartbeat
    CHECK_FALSE(drive_trap_name({1, 3, 6, 1, 6, 3, 1, 1, 5, 1}));          // coldStart
    CHECK_FALSE(drive_trap_name({}));
}

TEST_CASE("a serial inside a longer word names no drive") {
    const std::vector<Varbind> varbinds{{{1}, OctetString{"drive=VT00000001;XVT00000002"}}};
    CHECK(drives_named_in(varbinds, {{"VT00000001"}, {"VT00000002"}, {"VT0000000"}}) ==
          std::vector<DriveSerial>{{"VT00000001"}});
}
