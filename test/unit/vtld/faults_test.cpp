#include "drive_iface/vtld/faults.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::vtld;

namespace {

Fault fault(FaultKind kind) {
    Fault one;
    one.drive = "VT1";
    one.kind = kind;
    return one;
}

}  // namespace

TEST_CASE("a fault meets commands of its drive until it is used up") {
    FaultTable table;
    auto twice = fault(FaultKind::busy);
    twice.remaining = 2;
    REQUIRE(table.add(twice));
    CHECK_FALSE(table.meet("VT2", 0x00));
    CHECK(table.meet("VT1", 0x00));
    CHECK(table.meet("VT1", 0x12));
    CHECK_FALSE(table.meet("VT1", 0x00));
}

TEST_CASE("write errors meet what writes and read errors what reads") {
    FaultTable table;
    REQUIRE(table.add(fault(FaultKind::write_error)));
    REQUIRE(table.add(fault(FaultKind::read_error)));
    CHECK_FALSE(table.meet("VT1", 0x00));
    CHECK(table.meet("VT1", 0x0a)->kind == FaultKind::write_error);
    CHECK(table.meet("VT1", 0x80)->kind == FaultKind::write_error);
    CHECK(table.meet("VT1", 0x08)->kind == FaultKind::read_error);
}

TEST_CASE("every kind has a name that is understood") {
    for (const auto kind : {FaultKind::busy, FaultKind::sense, FaultKind::slow, FaultKind::silent,
                            FaultKind::write_error, FaultKind::read_error, FaultKind::media_error,
                            FaultKind::early_warning, FaultKind::storage_error})
        CHECK(fault_kind_from_text(to_text(kind)) == kind);
    CHECK_FALSE(fault_kind_from_text("power_cycle"));
}

TEST_CASE("faults are cleared by number, drive and kind") {
    FaultTable table;
    const auto first = table.add(fault(FaultKind::busy));
    REQUIRE(table.add(fault(FaultKind::slow)));
    CHECK(table.clear({.id = first, .drive = "VT2"}) == 0);
    CHECK(table.clear({.id = first}) == 1);
    CHECK(table.clear({.kind = FaultKind::busy}) == 0);
    CHECK(table.clear({}) == 1);
    CHECK(table.all().empty());
}

TEST_CASE("faults of the tape meet no command, and add up") {
    FaultTable table;
    auto error = fault(FaultKind::media_error);
    error.block = 7;
    REQUIRE(table.add(error));
    error.block = 9;
    REQUIRE(table.add(error));
    auto warning = fault(FaultKind::early_warning);
    warning.at_mb = 20;
    REQUIRE(table.add(warning));
    warning.at_mb = 10;
    REQUIRE(table.add(warning));
    CHECK_FALSE(table.meet("VT1", 0x08));
    CHECK(table.of_tape("VT1").damaged == std::set<std::uint64_t>{7, 9});
    CHECK(table.of_tape("VT1").early_warning_at == 10'000'000);
    CHECK_FALSE(table.of_tape("VT1").storage_fails);
    REQUIRE(table.add(fault(FaultKind::storage_error)));
    CHECK(table.of_tape("VT1").storage_fails);
    CHECK_FALSE(table.meet("VT1", 0x0a));
    CHECK(table.of_tape("VT2") == drive_iface::virtual_library::TapeFaults{});
}
