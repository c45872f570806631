#include "drive_iface/scsi/opcodes.hpp"

#include "drive_iface/scsi/persistent_reserve.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::scsi;

TEST_CASE("operation codes and status have the standards' names, or say their number") {
    CHECK(opcode_name(0x5e) == "PERSISTENT RESERVE IN");
    CHECK(opcode_name(0xc1) == "operation code c1h");
    CHECK(status_name(0x18) == "RESERVATION CONFLICT");
    CHECK(status_name(0x99) == "status 99h");
}

TEST_CASE("the group of an operation code tells the CDB's length") {
    CHECK(cdb_length(0x00) == 6);
    CHECK(cdb_length(0x5e) == 10);
    CHECK(cdb_length(0xa0) == 12);
    CHECK(cdb_length(0x91) == 16);
    CHECK(cdb_length(0xc0) == 0);
}

TEST_CASE("six types of persistent reservation, the rest is obsolete") {
    unsigned known = 0;
    for (unsigned code = 0; code < 16; ++code)
        known += pr_type_from_code(static_cast<std::uint8_t>(code)) ? 1u : 0u;
    CHECK(known == 6);
    CHECK(name(PrType::exclusive_access_registrants_only) == "Exclusive Access - Registrants Only");
    CHECK(name(PrOutAction::preempt_and_abort) == "PREEMPT AND ABORT");
    CHECK(is_exclusive_access(PrType::exclusive_access_all_registrants));
    CHECK_FALSE(is_exclusive_access(PrType::write_exclusive_all_registrants));
}
