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

}  // namespace

TEST_CASE("a version 2c trap is read with its texts and its trap OID") {
    const auto trap = v2c_trap_of(drive_op_status_changed);
    REQUIRE(trap);
    CHECK(trap->community == "library");
    REQUIRE(trap->varbinds.size() == 3);
    const auto oid = trap_oid_of(trap->varbinds);
    REQUIRE(oid);
    CHECK(drive_trap_name(*oid) == "SML driveOpStatusChanged");
    CHECK(drives_named_in(trap->varbinds, {{"VT00000001"}, {"VT00000002"}}) ==
          std::vector<DriveSerial>{{"VT00000001"}});
}

TEST_CASE("a trap that is cut at any length, or longer than it says, is no trap") {
    for (std::size_t length = 0; length < drive_op_status_changed.size(); ++length)
        CHECK_FALSE(v2c_trap_of(std::span(drive_op_status_changed).first(length)));
    auto longer = drive_op_status_changed;
    longer.push_back(0);
    CHECK_FALSE(v2c_trap_of(longer));
    auto inform = drive_op_status_changed;
    inform[pdu_tag_at] = 0xa6;
    CHECK_FALSE(v2c_trap_of(inform));
    auto version_1 = drive_op_status_changed;
    version_1[4] = 0;
    CHECK_FALSE(v2c_trap_of(version_1));
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
