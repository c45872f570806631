#include "drive_iface/device/reservation_reader.hpp"

#include "drive_iface/scsi/persistent_reserve.hpp"
#include "test/unit/device/recorded_transport.hpp"

using namespace agent::core;
using namespace drive_iface;
using Commands = std::vector<std::string>;

namespace {

constexpr Duration timeout{1'000};
constexpr Instant start{1'000};

ReservationReading read(ReservationReader& reader, drive_iface::Transport& drive,
                        Instant now = start) {
    auto reading = reader.read(drive, now, timeout);
    INFO((reading ? "" : reading.error().message));
    REQUIRE(reading.ok());
    return *reading;
}

InitiatorPort iscsi_port(const std::string& name, const std::string& isid) {
    return {agent::core::Transport::iscsi, name, isid, ""};
}

}  // namespace

TEST_CASE("LIO: an exclusive access reservation is resolved to name and ISID") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("lio-readres-ea")))
        .on("READ FULL STATUS", good(capture("lio-fullstatus-ea-iscsi")));
    ReservationReader reader;
    const auto reading = read(reader, drive);
    CHECK(reading.reservation.state == ReservationState::reserved);
    CHECK(reading.reservation.kind == ReservationKind::persistent);
    CHECK(reading.reservation.persistent == PersistentReservation{3, 0xaaaa});
    CHECK(reading.reservation.holders ==
          std::vector{iscsi_port("iqn.2026-01.lab.vm:hosta", "00023d000002")});
    CHECK(reading.evidence == HolderEvidence::full_status);
    CHECK(reading.generation == 7);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "READ FULL STATUS"});

    // Nothing changed: one small command, the same answer.
    CHECK(read(reader, drive).reservation == reading.reservation);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION"});

    // After a unit attention the drive may have been reset: nothing remembered is trusted.
    drive.instead("READ RESERVATION", check(6, 0x29, 0))
        .on("READ RESERVATION", good(capture("lio-readres-ea")));
    const auto after = read(reader, drive);
    CHECK(after.unit_attentions == std::vector{scsi::additional_sense::power_on_or_reset});
    CHECK(after.reservation == reading.reservation);
    CHECK(drive.take_sent() ==
          Commands{"READ RESERVATION", "READ RESERVATION", "READ FULL STATUS"});
}

TEST_CASE("LIO: every registrant holds an all-registrants reservation") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("lio-readres-eaar")))
        .on("READ FULL STATUS", good(capture("lio-fullstatus-eaar")));
    ReservationReader reader;
    const auto reading = read(reader, drive);
    CHECK(reading.reservation.persistent == PersistentReservation{8, 0});
    CHECK(reading.reservation.holders.size() == 7);
    CHECK(reading.evidence == HolderEvidence::full_status);
}

TEST_CASE("istgt: TransportIDs without a header, and no holder flagged after a preemption") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("istgt-readres-ea")))
        .on("READ FULL STATUS", good(capture("istgt-fullstatus-2")));
    ReservationReader reader;
    CHECK(read(reader, drive).reservation.holders ==
          std::vector{iscsi_port("iqn.2026-01.org.example:host-a", "800a0a0a0001")});

    // Both registrants use the reservation's key: nobody can say which of them holds it.
    auto fenced = capture("istgt-readres-ea");
    fenced[3] = 8;
    drive.instead("READ RESERVATION", good(fenced))
        .instead("READ FULL STATUS", good(capture("istgt-fullstatus-fenced")));
    const auto ambiguous = read(reader, drive);
    CHECK(ambiguous.reservation.state == ReservationState::reserved);
    CHECK(ambiguous.reservation.holders.empty());
    CHECK(ambiguous.evidence == HolderEvidence::none);

    // With a key of its own the one that has it is the holder.
    auto status = capture("istgt-fullstatus-fenced");
    status[8] = 0x99;
    fenced[8] = 0x99;
    drive.instead("READ RESERVATION", good(fenced)).instead("READ FULL STATUS", good(status));
    CHECK(read(reader, drive).reservation.holders ==
          std::vector{iscsi_port("iqn.2026-01.org.example:library-controller", "800c0c0c0001")});
}

TEST_CASE("istgt shows a RESERVE as a persistent reservation with its holder") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("istgt-readres-under-legacy")))
        .on("READ FULL STATUS", good(capture("istgt-fullstatus-under-legacy")));
    ReservationReader reader;
    CHECK(read(reader, drive).reservation.holders ==
          std::vector{iscsi_port("iqn.2026-01.org.example:host-a", "800a0a0a0001")});
}

TEST_CASE("tgt: without READ FULL STATUS the key is known and the holder is not") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("tgt-readres-ea")))
        .on("READ FULL STATUS", check(capture("tgt-fullstatus-unsupported.sense")))
        .on("READ KEYS", good(capture("tgt-readkeys-2")));
    ReservationReader reader;
    const auto reading = read(reader, drive);
    REQUIRE(reading.registrations.has_value());
    REQUIRE(reading.registrations->size() == 2);
    CHECK(reading.registrations->front().key == 0x1111aaaa2222bbbb);
    CHECK_FALSE(reading.registrations->front().port.has_value());
    CHECK(reader.capabilities().full_status == Ability::no);
    CHECK(reading.reservation.persistent == PersistentReservation{3, 0x1111aaaa2222bbbb});
    CHECK(reading.reservation.holders.empty());
    drive.take_sent();
    CHECK(read(reader, drive).reservation == reading.reservation);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION"});  // it is not asked again
}

TEST_CASE("tgt answers PERSISTENT RESERVE IN under a RESERVE: TEST UNIT READY finds it") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("tgt-readres-under-legacy")))
        .on("REPORT CAPABILITIES", good(capture("tgt-reportcap")))
        .on("READ FULL STATUS", check(capture("tgt-fullstatus-unsupported.sense")))
        .on("TUR", conflict());
    ReservationReader reader;
    const auto reading = read(reader, drive);
    CHECK(reading.reservation.state == ReservationState::reserved);
    CHECK(reading.reservation.kind == ReservationKind::legacy);
    CHECK(reading.evidence == HolderEvidence::none);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "REPORT CAPABILITIES",
                                        "READ FULL STATUS", "READ KEYS", "TUR"});
    drive.instead("TUR", check(2, 0x3a, 0));  // no medium, and no conflict
    CHECK(read(reader, drive).reservation.state == ReservationState::free);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "TUR"});

    ReservationReader never(LegacyProbe::never);
    CHECK(read(never, drive).reservation.state == ReservationState::free);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "READ FULL STATUS", "READ KEYS"});
    CHECK(read(never, drive).reservation.state == ReservationState::free);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION"});
}

TEST_CASE("LIO has CRH: no TEST UNIT READY, a conflict tells the RESERVE") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("lio-readres-empty")))
        .on("REPORT CAPABILITIES", good(capture("lio-reportcap")))
        .on("READ FULL STATUS", good(capture("lio-fullstatus-empty")));
    ReservationReader reader;
    CHECK(read(reader, drive).reservation.state == ReservationState::free);
    CHECK(drive.take_sent() ==
          Commands{"READ RESERVATION", "REPORT CAPABILITIES", "READ FULL STATUS"});
    CHECK(reader.capabilities().compatible_reservation_handling == Ability::yes);
    CHECK(read(reader, drive).reservation.state == ReservationState::free);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION"});
    drive.instead("READ RESERVATION", conflict());
    CHECK(read(reader, drive).reservation.kind == ReservationKind::legacy);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION"});
}

TEST_CASE("a drive without CRH that has once answered with a conflict needs no TEST UNIT READY") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", conflict())
        .on("READ RESERVATION", good(capture("tgt-readres-empty")));
    ReservationReader reader;
    CHECK(read(reader, drive).reservation.state == ReservationState::reserved);
    CHECK(read(reader, drive).reservation.state == ReservationState::free);
    CHECK(drive.take_sent() ==
          Commands{"READ RESERVATION", "READ RESERVATION", "READ FULL STATUS", "READ KEYS"});
    read(reader, drive);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION"});
}

TEST_CASE("a drive without persistent reservations is asked for them again after an hour") {
    RecordedTransport drive;
    drive.on("TUR", good());
    ReservationReader reader;
    CHECK(read(reader, drive).reservation.state == ReservationState::free);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "TUR"});
    drive.instead("TUR", conflict());
    CHECK(read(reader, drive, start + Duration{1'000}).reservation.kind == ReservationKind::legacy);
    CHECK(drive.take_sent() == Commands{"TUR"});
    read(reader, drive, start + Duration{3'600'000});
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "TUR"});

    ReservationReader never(LegacyProbe::never);
    CHECK(read(never, drive).reservation.state == ReservationState::unknown);
}

TEST_CASE("a large full status is asked for again with room for all of it") {
    std::vector<scsi::FullStatusDescriptor> descriptors;
    for (std::uint64_t i = 0; i < 200; ++i) {
        scsi::FullStatusDescriptor descriptor;
        descriptor.key = i + 1;
        descriptor.holder = i == 199;
        descriptor.type = 3;
        descriptor.port =
            iscsi_port("iqn.2026-01.org.example:host-" + std::to_string(i), "00023d000001");
        descriptors.push_back(descriptor);
    }
    RecordedTransport drive;
    drive
        .on("READ RESERVATION",
            good(scsi::encode_read_reservation(5, scsi::ReadReservationData::Held{200, 0, 3})))
        .on("READ FULL STATUS", good(scsi::encode_read_full_status(5, descriptors)));
    ReservationReader reader;
    CHECK(read(reader, drive).reservation.holders == std::vector{*descriptors.back().port});
    CHECK(drive.take_sent() ==
          Commands{"READ RESERVATION", "READ FULL STATUS", "READ FULL STATUS"});
}

TEST_CASE("answers that belong to different moments are asked for again, three times at most") {
    const auto full = capture("lio-fullstatus-ea-iscsi");
    auto older = capture("lio-readres-ea");
    older[3] = 6;  // another generation
    SECTION("until they agree") {
        RecordedTransport drive;
        drive.on("READ RESERVATION", good(older))
            .on("READ RESERVATION", good(capture("lio-readres-ea")))
            .on("READ FULL STATUS", good(full));
        ReservationReader reader;
        CHECK(read(reader, drive).reservation.holders.size() == 1);
        CHECK(drive.take_sent() == Commands{"READ RESERVATION", "READ FULL STATUS",
                                            "READ RESERVATION", "READ FULL STATUS"});
    }
    SECTION("or are reported without a holder") {
        RecordedTransport drive;
        drive.on("READ RESERVATION", good(older)).on("READ FULL STATUS", good(full));
        ReservationReader reader;
        const auto reading = read(reader, drive);
        CHECK(reading.reservation.state == ReservationState::reserved);
        CHECK(reading.reservation.holders.empty());
        CHECK(drive.take_sent().size() == 6);
    }
    SECTION("or the reservation has ended in between") {
        RecordedTransport drive;
        drive.on("READ RESERVATION", good(older))
            .on("READ RESERVATION", good(capture("lio-readres-empty")))
            .on("READ FULL STATUS", good(full));
        ReservationReader reader;
        CHECK(read(reader, drive).reservation.state == ReservationState::free);
    }
    SECTION("or a RESERVE has come in between") {
        RecordedTransport drive;
        drive.on("READ RESERVATION", good(older))
            .on("READ RESERVATION", conflict())
            .on("READ FULL STATUS", conflict());
        ReservationReader reader;
        CHECK(read(reader, drive).reservation.kind == ReservationKind::legacy);
    }
}

TEST_CASE("errors say which command and what came back") {
    ReservationReader reader;
    RecordedTransport drive;
    SECTION("no answer") {
        drive.on("READ RESERVATION", Error{"connection lost"});
        CHECK_THAT(reader.read(drive, start, timeout).error().message,
                   ContainsSubstring("connection lost"));
    }
    SECTION("busy") {
        drive.on("READ RESERVATION", ScsiReply{scsi::status::busy, {}, {}});
        CHECK_THAT(reader.read(drive, start, timeout).error().message,
                   ContainsSubstring("READ RESERVATION: BUSY"));
    }
    SECTION("unit attentions without end") {
        drive.on("READ RESERVATION", check(capture("tgt-sense-ua-power-on-29-00.sense")));
        CHECK_THAT(reader.read(drive, start, timeout).error().message,
                   ContainsSubstring("unit attentions in a row"));
        CHECK(drive.sent.size() == 10);
    }
    SECTION("an answer of the wrong size, at every length") {
        const auto whole = capture("lio-readres-ea");
        for (std::size_t size = 0; size < whole.size(); ++size) {
            ReservationReader fresh;
            RecordedTransport cut;
            cut.on("READ RESERVATION",
                   good({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}))
                .on("READ FULL STATUS", good(capture("lio-fullstatus-ea-iscsi")))
                .on("TUR", good());
            const auto reading = fresh.read(cut, start, timeout);
            INFO(size);
            // Cut short it is never taken for a free drive.
            CHECK((!reading || reading->reservation.state != ReservationState::free));
        }
    }
    SECTION("hardware error") {
        drive.on("READ RESERVATION", check(4, 0x44, 0));
        CHECK_THAT(reader.read(drive, start, timeout).error().message,
                   ContainsSubstring("4h/44h/00h"));
    }
}

TEST_CASE("LIO: who is registered is read once, and again when the generation moves") {
    RecordedTransport drive;
    auto empty = capture("lio-readres-empty");
    const auto seven = capture("lio-fullstatus-7reg");
    std::copy_n(seven.begin(), 4, empty.begin());
    drive.on("READ RESERVATION", good(empty))
        .on("REPORT CAPABILITIES", good(capture("lio-reportcap")))
        .on("READ FULL STATUS", good(seven));
    ReservationReader reader;
    const auto reading = read(reader, drive);
    REQUIRE(reading.registrations.has_value());
    CHECK(reading.registrations->size() == 7);
    drive.take_sent();
    CHECK(read(reader, drive).registrations == reading.registrations);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION"});
    empty[3] = static_cast<std::uint8_t>(empty[3] + 1);
    drive.instead("READ RESERVATION", good(empty));
    CHECK_FALSE(read(reader, drive).registrations.has_value());  // of another moment
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "READ FULL STATUS"});
    for (int look = 0; look < 4; ++look)
        CHECK_FALSE(read(reader, drive).registrations.has_value());
    CHECK(drive.take_sent().size() == 4 + 2);  // asked three times in all
}

TEST_CASE("what a probe has told is not asked again") {
    RecordedTransport drive;
    drive.on("READ RESERVATION", good(capture("tgt-readres-empty"))).on("TUR", good());
    DriveCapabilities known;
    known.persistent_reserve_in = Ability::yes;
    known.report_capabilities = Ability::yes;
    known.compatible_reservation_handling = Ability::no;
    known.full_status = Ability::no;
    ReservationReader reader(LegacyProbe::automatic, known);
    read(reader, drive);
    CHECK(drive.take_sent() == Commands{"READ RESERVATION", "READ KEYS", "TUR"});
    known.persistent_reserve_in = Ability::no;
    reader.set_capabilities(known);
    read(reader, drive);
    CHECK(drive.take_sent() == Commands{"TUR"});
}

TEST_CASE("legacy_probe has the names auto, tur and never") {
    CHECK(legacy_probe_from_text("auto") == LegacyProbe::automatic);
    CHECK(legacy_probe_from_text("tur") == LegacyProbe::test_unit_ready);
    CHECK(legacy_probe_from_text("never") == LegacyProbe::never);
    CHECK_FALSE(legacy_probe_from_text("always"));
}
