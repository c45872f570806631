#include "drive_iface/virtual/unit_attentions.hpp"
#include "test/unit/virtual/library_builder.hpp"

using namespace virtual_library_test;
using Change = LibraryEvent::Change;

namespace {
std::vector<Change> changes(Library& library) {
    std::vector<Change> seen;
    for (const auto& event : library.take_events())
        seen.push_back(event.change);
    return seen;
}
}  // namespace

TEST_CASE("each change of a reservation is one event, in order, with who did it") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    CHECK(library.take_events().empty());
    REQUIRE(good(a.reserve()));
    const auto events = library.take_events();
    REQUIRE(events.size() == 1);
    CHECK(events[0].change == Change::reserved);
    CHECK(events[0].drive.text == serial);
    CHECK(events[0].port == a.port());
    CHECK(events[0].reservation.kind == agent::core::ReservationKind::reserve6);
    CHECK(events[0].reservation.holders == std::vector{a.port()});

    REQUIRE(good(a.reserve()));  // has it already
    REQUIRE(good(b.release()));  // had nothing
    REQUIRE(conflict(b.reserve()));
    CHECK(library.take_events().empty());
    a.log_out();
    CHECK(changes(library) == std::vector{Change::released});
}

TEST_CASE("persistent reservations tell registrations, reservation, preemption and release apart") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    REQUIRE(good(a.register_key(1)));
    REQUIRE(good(b.register_key(2)));
    CHECK(changes(library) == std::vector{Change::registrations, Change::registrations});
    REQUIRE(good(a.pr_out(PrOutAction::reserve, 1, 0, PrType::exclusive_access)));
    CHECK(changes(library) == std::vector{Change::reserved});
    REQUIRE(good(b.pr_out(PrOutAction::preempt, 2, 1, PrType::exclusive_access)));
    const auto events = library.take_events();
    REQUIRE(events.size() == 1);
    CHECK(events[0].change == Change::preempted);
    CHECK(events[0].port == b.port());
    CHECK(events[0].reservation.persistent == agent::core::PersistentReservation{3, 2});
    CHECK(library.manage(a.nexus(), 0, TaskManagement::logical_unit_reset));
    REQUIRE(good(b.send(drive_iface::scsi::request_sense_cdb(18))));
    REQUIRE(good(b.pr_out(PrOutAction::release, 2, 0, PrType::exclusive_access)));
    CHECK(changes(library) == std::vector{Change::reset, Change::released});
    REQUIRE(library.force_offline(serial, "test").ok());
    REQUIRE(library.force_offline(serial, "again").ok());
    REQUIRE(library.lift_forced_offline(serial).ok());
    CHECK(changes(library) == std::vector{Change::forced_offline, Change::forced_offline_lifted});
}

TEST_CASE("only what was asked to persist survives a power cycle") {
    const bool persist = GENERATE(false, true);
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    REQUIRE(good(a.register_key(0x1111, persist)));
    REQUIRE(good(a.pr_out(PrOutAction::reserve, 0x1111, 0, PrType::exclusive_access)));
    library.power_cycle();
    CHECK(reservation_of(library).holders.size() == (persist ? 1u : 0u));
    CHECK(library.drives()[0].registrations == (persist ? 1u : 0u));
}

TEST_CASE("a new library takes up what the old one had to remember") {
    TwoDrives old;
    Host a(old, iscsi_port("a"));
    Host fc(old, fc_port("2100000e1e09a1b0"));
    REQUIRE(good(a.register_key(0x1111, true)));
    REQUIRE(good(fc.register_key(0x2222, true)));
    REQUIRE(good(
        fc.pr_out(PrOutAction::reserve, 0x2222, 0, PrType::exclusive_access_registrants_only)));
    REQUIRE(old.force_offline(other_serial, "two\nlines\tand a tab").ok());

    TwoDrives restarted;
    REQUIRE(restarted.restore(old.nonvolatile_state()).ok());
    CHECK(reservation_of(restarted) == reservation_of(old));
    CHECK(restarted.drives()[0].registrations == 2);
    CHECK(restarted.drives()[1].forced_offline);
    CHECK(restarted.drives()[1].forced_offline_reason == "two lines and a tab");
    CHECK(restarted.nonvolatile_state() == old.nonvolatile_state());
}

TEST_CASE("state that does not make sense is refused as a whole and names the line") {
    TwoDrives library;
    const std::string first = "virtual library state\t1\n";
    const std::string good_line = "VT00000001\toffline\tbecause\n";
    for (const std::string& bad :
         {std::string("garbage"), first + "VT00000001\n",
          first + good_line + "VT00000001\tregistration\tx\tfc:1\n",
          first + good_line +
              "VT00000001\treservation\t3\tfc:2100000e1e09a1b0\n",  // held by nobody registered
          first + good_line + "VT00000001\treservation\t2\tfc:2100000e1e09a1b0\n", std::string()}) {
        const auto outcome = library.restore(bad);
        CHECK_FALSE(outcome.ok());
        CHECK_FALSE(library.drives()[0].forced_offline);
    }
    CHECK(library.restore("garbage").error().message.find("line 1") != std::string::npos);
    CHECK(library.restore(first).ok());
    CHECK(library.restore(first + "VT77777777\toffline\tnot configured any more\n").ok());
}

TEST_CASE("a nexus that is not there changes nothing") {
    TwoDrives library;
    CHECK_FALSE(library.nexus_established("VT99999999", iscsi_port("a")).ok());
    Bytes nothing;
    CHECK(library.execute(NexusId{77}, 0, Bytes{0x16, 0, 0, 0, 0, 0}, nothing)->status ==
          Status::check_condition);
    CHECK_FALSE(library.manage(NexusId{77}, 0, TaskManagement::logical_unit_reset));
    library.nexus_lost(NexusId{77});
    CHECK(library.take_events().empty());
}

TEST_CASE("a port that logs in again without saying goodbye loses its old nexus") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    const NexusId old = a.nexus();
    a.log_in();
    CHECK(library.drives()[0].logged_in.size() == 1);
    Bytes nothing;
    CHECK(library.execute(old, 0, Bytes{0, 0, 0, 0, 0, 0}, nothing)->status ==
          Status::check_condition);
    CHECK(a.attention() == drive_iface::scsi::additional_sense::nexus_loss);
}

TEST_CASE("logins and events have a limit") {
    TwoDrives library;
    for (int i = 0; i < 256; ++i) {
        REQUIRE(library.nexus_established(serial, iscsi_port("host" + std::to_string(i))).ok());
    }
    const auto refused = library.nexus_established(serial, iscsi_port("one-more"));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find(serial) != std::string::npos);
    CHECK(library.nexus_established(serial, iscsi_port("host7")).ok());  // takes its own place

    Host b(library, iscsi_port("b"), false, other_serial);
    for (int i = 0; i < 3000; ++i) {
        REQUIRE(good(b.reserve()));
        REQUIRE(good(b.release()));
    }
    const auto events = library.take_events();
    CHECK(events.size() == 4096);
    CHECK(events.back().change == Change::released);
}

TEST_CASE("unit attentions are bounded and collapse into one that says everything") {
    virtual_library::UnitAttentions attentions;
    for (std::uint8_t i = 0; i < 8; ++i)
        attentions.establish({0x2a, i});
    attentions.establish({0x2a, 3});
    CHECK(attentions.pending().size() == 8);
    attentions.establish({0x28, 0});
    CHECK(attentions.pending() ==
          std::vector{drive_iface::scsi::additional_sense::power_on_or_reset});
    CHECK(attentions.take() == drive_iface::scsi::additional_sense::power_on_or_reset);
    CHECK_FALSE(attentions.take());
}

TEST_CASE("task management knows what there is nothing left to do for") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    CHECK(library.manage(a.nexus(), 0, TaskManagement::abort_task));
    CHECK(library.manage(a.nexus(), 0, TaskManagement::abort_task_set));
    CHECK(library.manage(a.nexus(), 0, TaskManagement::clear_task_set));
    CHECK_FALSE(library.manage(a.nexus(), 0, TaskManagement::clear_aca));
    CHECK(a.attention() == drive_iface::scsi::additional_sense::none);
}
