#include "drive_iface/device/drive_capabilities.hpp"

#include "drive_iface/scsi/log_page.hpp"
#include "test/unit/device/recorded_transport.hpp"

using namespace agent::core;
using namespace drive_iface;
using Commands = std::vector<std::string>;

namespace {

constexpr Duration patience{1'000};

scsi::Bytes device_status() {
    scsi::DtDeviceStatus status;
    status.very_high_frequency.emplace();
    status.polling_delay_ms = 500;
    status.potential_conflict_count = 0;
    return scsi::encode_dt_device_status(status);
}

// LIO's answers, and the log pages of a tape drive.
RecordedTransport conforming_drive() {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("lio-readres-empty")))
        .on("REPORT CAPABILITIES", good(capture("lio-reportcap")))
        .on("READ FULL STATUS", good(capture("lio-fullstatus-empty")))
        .on("LOG 00", good(scsi::encode_supported_log_pages({0x00, 0x11, 0x2e})))
        .on("LOG 11", good(device_status()));
    return drive;
}

}  // namespace

TEST_CASE("five commands tell what a conforming drive can do") {
    auto drive = conforming_drive();
    DriveCapabilities known;
    const auto probe = probe_capabilities(drive, known, patience);
    REQUIRE(probe.ok());
    CHECK(probe->commands == 5);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "REPORT CAPABILITIES",
                                        "READ FULL STATUS", "LOG 00", "LOG 11"});
    CHECK(known.persistent_reserve_in == Ability::yes);
    CHECK(known.full_status == Ability::yes);
    CHECK(known.compatible_reservation_handling == Ability::yes);
    CHECK(known.persist_through_power_loss == Ability::yes);
    CHECK(known.types == std::vector<scsi::PrType>(scsi::pr_types.begin(), scsi::pr_types.end()));
    CHECK(known.dt_device_status == Ability::yes);
    CHECK(known.very_high_frequency == Ability::yes);
    CHECK(known.potential_conflicts == Ability::yes);
    CHECK(known.polling_delay_ms == 500);
    CHECK(known.dt_parameters == std::vector<std::uint16_t>{0x0000, 0x0001, 0x0200});
    CHECK(is_complete(known));
    CHECK_FALSE(lacks_something(known));
    // What is known is not asked.
    REQUIRE(probe_capabilities(drive, known, patience).ok());
    CHECK(drive.take_sent().empty());
}

TEST_CASE("tgt: no READ FULL STATUS, no CRH, no log pages, and no doubt about it") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("tgt-readres-empty")))
        .on("REPORT CAPABILITIES", good(capture("tgt-reportcap")))
        .on("READ FULL STATUS", check(capture("tgt-fullstatus-unsupported.sense")));
    DriveCapabilities known;
    REQUIRE(probe_capabilities(drive, known, patience).ok());
    CHECK(known.full_status == Ability::no);
    CHECK(known.compatible_reservation_handling == Ability::no);
    CHECK(known.persist_through_power_loss == Ability::no);
    CHECK(known.dt_device_status == Ability::no);
    CHECK(known.very_high_frequency == Ability::unknown);
    CHECK(is_complete(known));
    CHECK(lacks_something(known));
    ask_again_for_what_is_missing(known);
    CHECK(known.full_status == Ability::unknown);
    CHECK(known.report_capabilities == Ability::yes);
    drive.take_sent();
    REQUIRE(probe_capabilities(drive, known, patience).ok());
    CHECK(drive.take_sent() == Commands{"READ FULL STATUS", "LOG 00"});
}

TEST_CASE("istgt does not say which types it has") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("istgt-readres-empty")))
        .on("REPORT CAPABILITIES", good(capture("istgt-reportcap")))
        .on("READ FULL STATUS", good(capture("istgt-fullstatus-empty")));
    DriveCapabilities known;
    REQUIRE(probe_capabilities(drive, known, patience).ok());
    CHECK(known.full_status == Ability::yes);
    CHECK_FALSE(known.types.has_value());
}

TEST_CASE("a drive without persistent reservations is not asked for their details") {
    RecordedTransport drive;
    DriveCapabilities known;
    REQUIRE(probe_capabilities(drive, known, patience).ok());
    CHECK(known.persistent_reserve_in == Ability::no);
    CHECK(known.full_status == Ability::no);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "LOG 00"});
}

TEST_CASE("under a RESERVE nothing is learnt about persistent reservations, and later all is") {
    auto drive = conforming_drive();
    drive.instead("READ RESERVATION", conflict());
    DriveCapabilities known;
    REQUIRE(probe_capabilities(drive, known, patience).ok());
    CHECK(known.persistent_reserve_in == Ability::unknown);
    CHECK(known.full_status == Ability::unknown);
    CHECK(known.dt_device_status == Ability::yes);
    CHECK_FALSE(is_complete(known));
    drive.instead("READ RESERVATION", good(capture("lio-readres-empty"))).take_sent();
    REQUIRE(probe_capabilities(drive, known, patience).ok());
    CHECK(drive.take_sent() ==
          Commands{"READ RESERVATION", "REPORT CAPABILITIES", "READ FULL STATUS"});
    CHECK(is_complete(known));
}

TEST_CASE("unit attentions on the way are told, and spoil nothing") {
    auto drive = conforming_drive();
    drive.instead("REPORT CAPABILITIES", check(6, 0x2a, 0x03))
        .on("REPORT CAPABILITIES", good(capture("lio-reportcap")));
    DriveCapabilities known;
    const auto probe = probe_capabilities(drive, known, patience);
    REQUIRE(probe.ok());
    CHECK(probe->commands == 6);
    CHECK(probe->unit_attentions == std::vector{scsi::AdditionalSense{0x2a, 0x03}});
    CHECK(is_complete(known));
}

TEST_CASE("what was learnt before the path broke stays") {
    auto drive = conforming_drive();
    drive.instead("LOG 00", Error{"connection lost"});
    DriveCapabilities known;
    const auto probe = probe_capabilities(drive, known, patience);
    REQUIRE_FALSE(probe.ok());
    CHECK_THAT(probe.error().message, ContainsSubstring("connection lost"));
    CHECK(known.full_status == Ability::yes);
    CHECK(known.dt_device_status == Ability::unknown);
}

TEST_CASE("answers cut short are never made up") {
    const auto page = device_status();
    const auto told = capture("lio-reportcap");
    for (std::size_t size = 0; size < page.size(); ++size) {
        auto drive = conforming_drive();
        const auto cut = static_cast<std::ptrdiff_t>(size);
        drive.instead("LOG 11", good({page.begin(), page.begin() + cut}));
        drive.instead("REPORT CAPABILITIES",
                      good({told.begin(), told.begin() + std::min<std::ptrdiff_t>(cut, 5)}));
        DriveCapabilities known;
        INFO(size);
        REQUIRE(probe_capabilities(drive, known, patience).ok());
        CHECK(known.compatible_reservation_handling == Ability::unknown);
        CHECK((known.potential_conflicts != Ability::yes));
    }
}

TEST_CASE("abilities have names") {
    CHECK(ability_from_text("unknown") == Ability::unknown);
    CHECK(ability_from_text("no") == Ability::no);
    CHECK(ability_from_text("yes") == Ability::yes);
    CHECK_FALSE(ability_from_text("maybe"));
}
