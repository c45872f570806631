#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/virtual/drive.hpp"
#include "test/unit/virtual/library_builder.hpp"

using namespace virtual_library_test;
namespace scsi = drive_iface::scsi;
namespace sense_code = drive_iface::scsi::additional_sense;
using virtual_library::WhileForcedOffline;

TEST_CASE("a drive forced offline reports a permanent error to everyone, holder or not") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    REQUIRE(good(a.reserve()));
    REQUIRE(library.force_offline(serial, "agent host-c did not confirm").ok());
    Host late(library, iscsi_port("late"), true);  // with a unit attention pending
    for (Host* host : {&a, &b, &late}) {
        CHECK(forced_offline(host->test_unit_ready()));
        CHECK(forced_offline(host->read()));
        CHECK(forced_offline(host->write()));
        CHECK(forced_offline(host->reserve()));
        CHECK(forced_offline(host->send({0x15, 0x10, 0, 0, 0, 0})));
        CHECK(forced_offline(host->send({0x1d, 0x04, 0, 0, 0, 0})));
        CHECK(good(host->send(scsi::inquiry_cdb(96))));
        CHECK(good(host->send({0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0})));
        const auto sense = host->send(scsi::request_sense_cdb(18));
        CHECK(good(sense));
        CHECK(scsi::decode_sense(sense.data_in)->additional == sense_code::internal_target_failure);
    }
    CHECK(good(a.send(scsi::log_sense_cdb(0x11, 0, 255))));
    CHECK(good(a.release()));  // giving up is always possible
    CHECK(good(b.pr_in(PrInAction::read_reservation)));
    CHECK(library.drives()[0].forced_offline);
    CHECK(library.drives()[0].forced_offline_reason == "agent host-c did not confirm");
    CHECK_FALSE(library.drives()[1].forced_offline);
}

TEST_CASE("every command does what its row says while the drive is forced offline") {
    for (const auto& row : virtual_library::drive_commands()) {
        TwoDrives library;
        Host host(library, iscsi_port("a"));
        REQUIRE(library.force_offline(serial, "test").ok());
        Bytes cdb(scsi::cdb_length(row.opcode), 0);
        cdb[0] = row.opcode;
        cdb[1] = row.service_action.value_or(0);
        if (row.opcode == scsi::opcode::persistent_reserve_out) cdb[8] = 24;
        if (row.opcode == scsi::opcode::prevent_allow_medium_removal) cdb[4] = 1;
        Bytes list(24, 0);
        list[15] = 1;  // a key to register
        INFO(row.name);
        CHECK(forced_offline(host.send(cdb, list)) ==
              (row.forced_offline != WhileForcedOffline::works));
    }
}

TEST_CASE(
    "hosts can unregister and allow removal while the drive is forced offline, and take nothing") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    REQUIRE(good(a.register_key(1)));
    REQUIRE(good(a.pr_out(PrOutAction::reserve, 1, 0, PrType::exclusive_access)));
    REQUIRE(good(a.send({0x1e, 0, 0, 0, 1, 0})));
    REQUIRE(library.force_offline(serial, "test").ok());
    CHECK(forced_offline(a.register_key(2)));
    CHECK(forced_offline(a.pr_out(PrOutAction::clear, 1)));
    CHECK(good(a.send({0x1e, 0, 0, 0, 0, 0})));
    CHECK(good(a.pr_out(PrOutAction::release, 1, 0, PrType::exclusive_access)));
    CHECK(good(a.pr_out(PrOutAction::register_key, 1, 0)));
    CHECK(library.drives()[0].registrations == 0);
}

TEST_CASE("lifting forced offline is told to everyone") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    REQUIRE(library.force_offline(serial, "test").ok());
    REQUIRE(library.lift_forced_offline(serial).ok());
    for (Host* host : {&a, &b}) {
        CHECK(host->attention() == sense_code::medium_may_have_changed);
        CHECK(good(host->test_unit_ready()));
    }
    CHECK_FALSE(library.drives()[0].forced_offline);
    CHECK(library.drives()[0].forced_offline_reason.empty());
}

TEST_CASE("forcing an unknown drive offline is an error that names it") {
    TwoDrives library;
    const auto outcome = library.force_offline("VT99999999", "test");
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().message.find("VT99999999") != std::string::npos);
    CHECK_FALSE(library.lift_forced_offline("VT99999999").ok());
}
