#include "test/unit/virtual/library_builder.hpp"

using namespace virtual_library_test;
namespace sense_code = drive_iface::scsi::additional_sense;

namespace {
constexpr std::uint64_t key_a = 0xaaaa;
constexpr std::uint64_t key_b = 0xbbbb;
constexpr std::uint64_t key_c = 0xcccc;

std::uint32_t generation(Host& host) {
    const auto keys =
        drive_iface::scsi::decode_read_keys(host.pr_in(PrInAction::read_keys).data_in);
    REQUIRE(keys.ok());
    return keys->header.generation;
}
}  // namespace

TEST_CASE("RESERVE(6) keeps every other nexus out until its holder releases") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    CHECK(good(a.reserve()));
    CHECK(conflict(b.test_unit_ready()));
    CHECK(conflict(b.reserve()));
    CHECK(conflict(b.send({drive_iface::scsi::opcode::mode_sense_6, 0, 0x3f, 0, 255, 0})));
    CHECK(good(b.send({drive_iface::scsi::opcode::inquiry, 0, 0, 0, 96, 0})));
    CHECK(good(b.release()));  // releases nothing
    CHECK(conflict(b.test_unit_ready()));
    CHECK(good(a.reserve()));  // again by the holder
    CHECK(good(a.test_unit_ready()));
    CHECK(good(a.release()));
    CHECK(good(b.test_unit_ready()));
}

TEST_CASE("RESERVE(10) and RELEASE(6) are two names for one reservation") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    CHECK(good(a.send(drive_iface::scsi::reserve_10_cdb())));
    CHECK(reservation_of(library).kind == agent::core::ReservationKind::reserve10);
    CHECK(conflict(b.reserve()));
    CHECK(good(a.release()));
    CHECK(reservation_of(library).state == agent::core::ReservationState::free);
}

TEST_CASE("third-party and extent reservations are refused with a pointer at the bit") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    const std::uint8_t bit = GENERATE(std::uint8_t{0}, std::uint8_t{4});
    for (const std::uint8_t opcode : Bytes{0x16, 0x17, 0x56, 0x57}) {
        Bytes cdb(10, 0);
        cdb[0] = opcode;
        cdb[1] = static_cast<std::uint8_t>(1u << bit);
        const auto reply = a.send(cdb);
        CHECK(fails_with(reply, drive_iface::scsi::SenseKey::illegal_request,
                         sense_code::invalid_field_in_cdb));
        CHECK(Host::sense(reply).field == drive_iface::scsi::FieldPointer{true, 1, bit});
    }
}

TEST_CASE("a legacy reservation ends with its nexus, a reset or a power cycle") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    REQUIRE(good(a.reserve()));
    SECTION("logout") {
        a.log_out();
        CHECK(good(b.test_unit_ready()));
    }
    SECTION("session reinstatement") {
        a.log_in();
        CHECK(good(b.test_unit_ready()));
        CHECK(a.attention() == sense_code::nexus_loss);
    }
    SECTION("logical unit reset by somebody else") {
        CHECK(library.manage(b.nexus(), 0, TaskManagement::logical_unit_reset));
        CHECK(b.attention() == sense_code::bus_device_reset);
        CHECK(good(b.test_unit_ready()));
        CHECK(a.attention() == sense_code::bus_device_reset);
    }
    SECTION("target warm reset") {
        CHECK(library.manage(b.nexus(), 0, TaskManagement::target_warm_reset));
        CHECK(b.attention() == sense_code::scsi_bus_reset);
        CHECK(good(b.test_unit_ready()));
    }
    SECTION("target cold reset") {
        CHECK(library.manage(b.nexus(), 0, TaskManagement::target_cold_reset));
        CHECK(b.attention() == sense_code::power_on);
        CHECK(good(b.test_unit_ready()));
    }
    SECTION("power cycle") {
        library.power_cycle();
        CHECK(b.attention() == sense_code::power_on);
        CHECK(b.attention() == sense_code::medium_may_have_changed);
        CHECK(good(b.test_unit_ready()));
    }
    CHECK(reservation_of(library).state == agent::core::ReservationState::free);
}

TEST_CASE("a nexus loss of somebody else leaves a legacy reservation alone") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    Host elsewhere(library, iscsi_port("a"), false, other_serial);
    REQUIRE(good(a.reserve()));
    b.log_out();
    elsewhere.log_out();
    CHECK(reservation_of(library).holders == std::vector{a.port()});
}

TEST_CASE("a registration belongs to name and ISID and survives the nexus") {
    TwoDrives library;
    Host a(library, iscsi_port("a", "00023d000001"));
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::exclusive_access)));
    a.log_out();
    CHECK(reservation_of(library).holders == std::vector{a.port()});

    Host other_session(library, iscsi_port("a", "00023d000002"));
    CHECK(conflict(other_session.read()));
    a.log_in();
    CHECK(a.attention() == sense_code::nexus_loss);
    CHECK_FALSE(conflict(a.read()));
}

TEST_CASE("PERSISTENT RESERVE IN and OUT conflict under a legacy reservation, for its holder too") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    REQUIRE(good(a.reserve()));
    for (Host* host : {&a, &b}) {
        CHECK(conflict(host->pr_in(PrInAction::read_keys)));
        CHECK(conflict(host->pr_in(PrInAction::read_reservation)));
        CHECK(conflict(host->pr_in(PrInAction::report_capabilities)));
        CHECK(conflict(host->pr_in(PrInAction::read_full_status)));
        CHECK(conflict(host->register_key(key_a)));
        CHECK(conflict(host->pr_out(PrOutAction::clear, key_a)));
    }
}

TEST_CASE("RESERVE and RELEASE conflict while anybody is registered") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    REQUIRE(good(a.register_key(key_a)));
    CHECK(conflict(a.reserve()));
    CHECK(conflict(b.reserve()));
    CHECK(conflict(b.release()));
    REQUIRE(good(a.register_key(0)));
    CHECK(good(b.reserve()));
}

TEST_CASE("with CRH the persistent holder may send RESERVE and RELEASE, which change nothing") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    const PrType type = GENERATE(from_range(drive_iface::scsi::pr_types));
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(b.register_key(key_b)));
    REQUIRE(good(a.pr_out(PrOutAction::reserve, key_a, 0, type)));
    const auto before = reservation_of(library);
    CHECK(good(a.reserve()));
    CHECK(good(a.release()));
    const bool by_registration =
        type != PrType::write_exclusive && type != PrType::exclusive_access;
    CHECK(good(b.reserve()) == by_registration);
    CHECK(good(b.release()) == by_registration);
    CHECK(reservation_of(library) == before);
}

TEST_CASE("REGISTER follows the key a nexus has") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    CHECK(conflict(
        a.pr_out(PrOutAction::register_key, key_b, key_a)));  // not registered: its key is 0
    CHECK(good(a.pr_out(PrOutAction::register_key, 0, 0)));   // nothing to do
    CHECK(generation(a) == 0);
    CHECK(good(a.pr_out(PrOutAction::register_key, 0, key_a)));
    CHECK(generation(a) == 1);
    CHECK(conflict(a.pr_out(PrOutAction::register_key, 0, key_b)));
    CHECK(good(a.pr_out(PrOutAction::register_key, key_a, key_b)));
    CHECK(good(a.pr_out(PrOutAction::register_and_ignore_existing_key, key_c, key_c)));
    CHECK(generation(a) == 3);
    CHECK(good(a.pr_out(PrOutAction::register_key, key_c, 0)));
    CHECK(generation(a) == 4);
    const auto keys = drive_iface::scsi::decode_read_keys(a.pr_in(PrInAction::read_keys).data_in);
    CHECK(keys->keys.empty());
}

TEST_CASE("RESERVE and RELEASE do not count in PRGENERATION") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    REQUIRE(good(a.register_key(key_a)));
    const auto before = generation(a);
    CHECK(good(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::write_exclusive)));
    CHECK(good(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::write_exclusive)));
    CHECK(conflict(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::exclusive_access)));
    CHECK(fails_with(a.pr_out(PrOutAction::release, key_a, 0, PrType::exclusive_access),
                     drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::invalid_release_of_persistent_reservation));
    CHECK(good(a.pr_out(PrOutAction::release, key_a, 0, PrType::write_exclusive)));
    CHECK(good(a.pr_out(PrOutAction::release, key_a, 0, PrType::write_exclusive)));
    CHECK(generation(a) == before);
}

TEST_CASE("releasing tells the other registrants for the types they shared, and only them") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    Host c(library, iscsi_port("c"));
    const PrType type = GENERATE(from_range(drive_iface::scsi::pr_types));
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(b.register_key(key_b)));
    REQUIRE(good(a.pr_out(PrOutAction::reserve, key_a, 0, type)));
    REQUIRE(good(a.pr_out(PrOutAction::release, key_a, 0, type)));
    const bool shared = type != PrType::write_exclusive && type != PrType::exclusive_access;
    CHECK(a.attention() == sense_code::none);
    CHECK(b.attention() == (shared ? sense_code::reservations_released : sense_code::none));
    CHECK(c.attention() == sense_code::none);
}

TEST_CASE("a holder that unregisters gives the reservation up") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    const PrType type = GENERATE(from_range(drive_iface::scsi::pr_types));
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(b.register_key(key_b)));
    REQUIRE(good(a.pr_out(PrOutAction::reserve, key_a, 0, type)));
    REQUIRE(good(a.register_key(0)));
    const bool all = drive_iface::scsi::is_all_registrants(type);
    const bool only = drive_iface::scsi::is_registrants_only(type);
    CHECK(reservation_of(library).holders ==
          (all ? std::vector{b.port()} : std::vector<InitiatorPort>{}));
    CHECK(b.attention() == (only ? sense_code::reservations_released : sense_code::none));
    CHECK(a.attention() == sense_code::none);
    if (all) {
        REQUIRE(good(b.register_key(0)));  // the last one ends it
        CHECK(reservation_of(library).state == agent::core::ReservationState::free);
    }
}

TEST_CASE("CLEAR takes every registration and tells the others") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    Host c(library, iscsi_port("c"));
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(b.register_key(key_b)));
    REQUIRE(good(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::exclusive_access)));
    CHECK(conflict(b.pr_out(PrOutAction::clear, key_a)));
    CHECK(conflict(c.pr_out(PrOutAction::clear, key_c)));
    CHECK(good(b.pr_out(PrOutAction::clear, key_b)));
    CHECK(a.attention() == sense_code::reservations_preempted);
    CHECK(b.attention() == sense_code::none);
    CHECK(c.attention() == sense_code::none);
    CHECK(library.drives()[0].registrations == 0);
    CHECK(reservation_of(library).state == agent::core::ReservationState::free);
}

TEST_CASE("PREEMPT takes the reservation over from the key it names") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    Host c(library, iscsi_port("c"));
    const PrOutAction action = GENERATE(PrOutAction::preempt, PrOutAction::preempt_and_abort);
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(b.register_key(key_b)));
    REQUIRE(good(c.register_key(key_c)));
    REQUIRE(good(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::exclusive_access)));
    SECTION("with the same type only the victim hears of it") {
        CHECK(good(b.pr_out(action, key_b, key_a, PrType::exclusive_access)));
        CHECK(c.attention() == sense_code::none);
    }
    SECTION("with another type those who stay hear of the change") {
        CHECK(good(b.pr_out(action, key_b, key_a, PrType::write_exclusive_registrants_only)));
        CHECK(c.attention() == sense_code::reservations_released);
    }
    CHECK(a.attention() == sense_code::registrations_preempted);
    CHECK(b.attention() == sense_code::none);
    CHECK(reservation_of(library).holders == std::vector{b.port()});
    CHECK(library.drives()[0].registrations == 2);
}

TEST_CASE("PREEMPT of a key that holds nothing removes registrations only") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    Host c(library, iscsi_port("c"));
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(b.register_key(key_b)));
    REQUIRE(good(c.register_key(key_b)));  // two ports of one host share a key
    REQUIRE(good(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::exclusive_access)));
    const auto before = reservation_of(library);
    CHECK(conflict(a.pr_out(PrOutAction::preempt, key_a, 0xdead, PrType::exclusive_access)));
    CHECK(fails_with(a.pr_out(PrOutAction::preempt, key_a, 0, PrType::exclusive_access),
                     drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::invalid_field_in_parameter_list));
    CHECK(good(a.pr_out(PrOutAction::preempt, key_a, key_b, PrType::exclusive_access)));
    CHECK(b.attention() == sense_code::registrations_preempted);
    CHECK(c.attention() == sense_code::registrations_preempted);
    CHECK(reservation_of(library) == before);
    CHECK(library.drives()[0].registrations == 1);
}

TEST_CASE("an all-registrants reservation is preempted with key 0") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(b.register_key(key_b)));
    REQUIRE(
        good(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::exclusive_access_all_registrants)));
    CHECK(reservation_of(library).holders.size() == 2);
    CHECK(good(b.pr_out(PrOutAction::preempt, key_b, 0, PrType::exclusive_access)));
    CHECK(reservation_of(library).holders == std::vector{b.port()});
    CHECK(a.attention() == sense_code::registrations_preempted);
    CHECK(conflict(a.read()));
}

TEST_CASE("a preempted nexus no longer prevents medium removal") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    REQUIRE(good(a.register_key(key_a)));
    REQUIRE(good(b.register_key(key_b)));
    REQUIRE(good(a.send({0x1e, 0, 0, 0, 1, 0})));
    const Bytes unload{0x1b, 0, 0, 0, 0, 0};
    CHECK(fails_with(b.send(unload), drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::medium_removal_prevented));
    REQUIRE(good(b.pr_out(PrOutAction::preempt, key_b, key_a, PrType::exclusive_access)));
    CHECK(good(b.send(unload)));
}

TEST_CASE("REGISTER AND MOVE hands the reservation to another port") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    const InitiatorPort b = fc_port("2100000e1e09a1b0");
    REQUIRE(good(a.register_key(key_a)));
    CHECK(fails_with(a.register_and_move(key_a, key_b, b),
                     drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));  // nothing to move
    REQUIRE(good(a.pr_out(PrOutAction::reserve, key_a, 0, PrType::exclusive_access)));
    CHECK(conflict(a.register_and_move(key_b, key_b, b)));
    CHECK(fails_with(a.register_and_move(key_a, 0, b), drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::invalid_field_in_parameter_list));
    CHECK(fails_with(a.register_and_move(key_a, key_b, a.port()),
                     drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::invalid_field_in_parameter_list));
    auto name_only = iscsi_port("c");
    name_only.isid.clear();
    CHECK(fails_with(a.register_and_move(key_a, key_b, name_only),
                     drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::invalid_field_in_parameter_list));
    const bool unregister = GENERATE(false, true);
    CHECK(good(a.register_and_move(key_a, key_b, b, unregister)));
    CHECK(reservation_of(library).holders == std::vector{b});
    CHECK(library.drives()[0].registrations == (unregister ? 1 : 2));
    CHECK(conflict(a.read()));
}

TEST_CASE("what REPORT CAPABILITIES does not promise is refused") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    const auto capabilities = drive_iface::scsi::decode_report_capabilities(
        a.pr_in(PrInAction::report_capabilities).data_in);
    REQUIRE(capabilities.ok());
    CHECK(capabilities->compatible_reservation_handling);
    CHECK(capabilities->persist_through_power_loss);
    CHECK(capabilities->types->size() == 6);
    CHECK_FALSE(capabilities->specify_initiator_ports);
    CHECK_FALSE(capabilities->all_target_ports);
    for (const bool specify : {false, true}) {
        const auto list = drive_iface::scsi::encode_pr_out_parameters(
            {.reservation_key = 0,
             .service_action_reservation_key = key_a,
             .specify_initiator_ports = specify,
             .all_target_ports = !specify,
             .transport_ids =
                 specify ? std::vector{iscsi_port("b")} : std::vector<InitiatorPort>{}});
        const auto reply =
            a.send(drive_iface::scsi::persistent_reserve_out_cdb(
                       PrOutAction::register_key, 0, static_cast<std::uint32_t>(list->size())),
                   *list);
        CHECK(fails_with(reply, drive_iface::scsi::SenseKey::illegal_request,
                         sense_code::invalid_field_in_parameter_list));
        CHECK(
            Host::sense(reply).field ==
            drive_iface::scsi::FieldPointer{false, 20, static_cast<std::uint8_t>(specify ? 3 : 2)});
    }
    CHECK(library.drives()[0].registrations == 0);
}

TEST_CASE("the table of registrations has an end") {
    TwoDrives library;
    std::size_t accepted = 0;
    for (unsigned i = 0; i < 200; ++i) {
        Host host(library, iscsi_port("host" + std::to_string(i)));
        const auto reply = host.register_key(i + 1);
        if (good(reply)) {
            ++accepted;
        } else {
            CHECK(fails_with(reply, drive_iface::scsi::SenseKey::illegal_request,
                             sense_code::insufficient_registration_resources));
        }
    }
    CHECK(accepted == 128);
}

TEST_CASE("a wrong parameter list length is told apart from a wrong field") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    for (const std::uint32_t length : {0u, 8u, 23u, 25u, 0xffffffffu}) {
        const auto reply = a.send(
            drive_iface::scsi::persistent_reserve_out_cdb(PrOutAction::register_key, 0, length),
            Bytes(std::min<std::uint32_t>(length, 64), 0));
        CHECK(fails_with(reply, drive_iface::scsi::SenseKey::illegal_request,
                         sense_code::parameter_list_length_error));
    }
    CHECK(fails_with(a.pr_out(PrOutAction::reserve, 0, 0, std::uint8_t{2}),
                     drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));
    auto scope_1 = drive_iface::scsi::persistent_reserve_out_cdb(PrOutAction::reserve, 3, 24);
    scope_1[2] = 0x13;
    CHECK(fails_with(a.send(scope_1, Bytes(24, 0)), drive_iface::scsi::SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));
}
