#include "drive_iface/scsi/persistent_reserve.hpp"

#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using agent::core::InitiatorPort;
using agent::core::Transport;
using scsi_test::at_every_length;
using scsi_test::pr_capture;

TEST_CASE("READ KEYS of real targets decodes and encodes to the same bytes") {
    for (const char* name : {"tgt-readkeys-2", "tgt-readkeys-empty", "istgt-readkeys-2",
                             "istgt-readkeys-empty", "lio-readkeys-7", "lio-readkeys-empty"}) {
        INFO(name);
        const Bytes bytes = pr_capture(name);
        const auto keys = decode_read_keys(bytes);
        REQUIRE(keys.ok());
        CHECK(keys->header.complete);
        CHECK(keys->header.length_needed == bytes.size());
        CHECK(encode_read_keys(keys->header.generation, keys->keys) == bytes);
        at_every_length(bytes, [&](const Bytes& cut) {
            const auto part = decode_read_keys(cut);
            CHECK(part.ok() == (cut.size() >= 8));
            if (!part) return;
            CHECK(part->header.complete == (cut.size() == bytes.size()));
            CHECK(part->keys.size() == (cut.size() - 8) / 8);
        });
    }
    const auto two = decode_read_keys(pr_capture("tgt-readkeys-2"));
    CHECK(two->keys == std::vector<std::uint64_t>{0x1111aaaa2222bbbb, 0x3333cccc4444dddd});
}

TEST_CASE("READ RESERVATION tells free, held and all registrants apart") {
    const auto free = decode_read_reservation(pr_capture("lio-readres-empty"));
    REQUIRE(free.ok());
    CHECK_FALSE(free->held);
    const auto held = decode_read_reservation(pr_capture("lio-readres-ea"));
    REQUIRE(held.ok());
    CHECK(held->held == ReadReservationData::Held{0xaaaa, 0, 3});
    const auto all = decode_read_reservation(pr_capture("lio-readres-eaar"));
    REQUIRE(all.ok());
    CHECK(all->held == ReadReservationData::Held{0, 0, 8});
    for (const char* name :
         {"tgt-readres-ea", "tgt-readres-empty", "tgt-readres-under-legacy", "istgt-readres-ea",
          "istgt-readres-empty", "istgt-readres-under-legacy", "lio-readres-ea", "lio-readres-eaar",
          "lio-readres-empty"}) {
        INFO(name);
        const Bytes bytes = pr_capture(name);
        const auto whole = decode_read_reservation(bytes);
        REQUIRE(whole.ok());
        CHECK(encode_read_reservation(whole->header.generation, whole->held) == bytes);
        at_every_length(bytes, [&](const Bytes& cut) {
            const auto part = decode_read_reservation(cut);
            CHECK(part.ok() == (cut.size() >= 8));
            if (part && cut.size() < bytes.size()) CHECK_FALSE(part->header.complete);
        });
    }
    CHECK_FALSE(decode_read_reservation(Bytes{0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4}).ok());
}

TEST_CASE("REPORT CAPABILITIES of three targets decodes and encodes to the same bytes") {
    const auto lio = decode_report_capabilities(pr_capture("lio-reportcap"));
    REQUIRE(lio.ok());
    CHECK(lio->compatible_reservation_handling);
    CHECK(lio->persist_through_power_loss);
    CHECK(lio->specify_initiator_ports);
    CHECK(lio->types->size() == 6);
    const auto istgt = decode_report_capabilities(pr_capture("istgt-reportcap"));
    REQUIRE(istgt.ok());
    CHECK_FALSE(istgt->types);
    for (const char* name : {"lio-reportcap", "istgt-reportcap", "tgt-reportcap"}) {
        const Bytes bytes = pr_capture(name);
        CHECK(encode_report_capabilities(*decode_report_capabilities(bytes)) == bytes);
        at_every_length(bytes, [](const Bytes& cut) {
            CHECK(decode_report_capabilities(cut).ok() == (cut.size() >= 6));
        });
    }
}

TEST_CASE("READ FULL STATUS of the kernel target names all seven ports") {
    const auto status = decode_read_full_status(pr_capture("lio-fullstatus-7reg"));
    REQUIRE(status.ok());
    REQUIRE(status->descriptors.size() == 7);
    CHECK(status->descriptors[0].port ==
          InitiatorPort{Transport::iscsi, "iqn.2026-01.lab.vm:hosta", "00023d000002", ""});
    CHECK(status->descriptors[2].port->transport == Transport::fc);
    CHECK(status->descriptors[2].port->name == "21000c2d12846171");
    CHECK(status->descriptors[4].port->transport == Transport::sas);
    for (const auto& descriptor : status->descriptors)
        CHECK_FALSE(descriptor.holder);
}

TEST_CASE("READ FULL STATUS marks who holds the reservation") {
    const auto holders = [](const char* name) {
        std::vector<std::size_t> marked;
        const auto status = decode_read_full_status(pr_capture(name));
        REQUIRE(status.ok());
        for (std::size_t i = 0; i < status->descriptors.size(); ++i) {
            if (status->descriptors[i].holder) marked.push_back(i);
        }
        return marked;
    };
    CHECK(holders("lio-fullstatus-ea-iscsi") == std::vector<std::size_t>{0});
    CHECK(holders("lio-fullstatus-we-fc") == std::vector<std::size_t>{2});
    CHECK(holders("lio-fullstatus-eaar").size() == 7);
    CHECK(holders("istgt-fullstatus-2") == std::vector<std::size_t>{0});
    CHECK(holders("istgt-fullstatus-fenced").empty());
    const auto moved = decode_read_full_status(pr_capture("lio-fullstatus-regmove-format0"));
    CHECK(moved->descriptors[1].port ==
          InitiatorPort{Transport::iscsi, "iqn.2026-01.lab.vm:hosta", "", ""});
    const auto bare = decode_read_full_status(pr_capture("istgt-fullstatus-2"));
    CHECK(bare->descriptors[0].port->isid == "800a0a0a0001");
    const auto half = decode_read_full_status(pr_capture("synthetic-fullstatus-iscsi-nul-variant"));
    CHECK(half->descriptors[0].port->name == "iqn.1994-05.com.redhat:a1b2c3d4");
}

TEST_CASE("every READ FULL STATUS capture survives a round trip and truncation at each length") {
    for (const char* name :
         {"lio-fullstatus-7reg", "lio-fullstatus-after-lunreset", "lio-fullstatus-ea-iscsi",
          "lio-fullstatus-eaar", "lio-fullstatus-earo-fcoe", "lio-fullstatus-empty",
          "lio-fullstatus-holder-gone", "lio-fullstatus-preempted",
          "lio-fullstatus-regmove-format0", "lio-fullstatus-relogin", "lio-fullstatus-we-fc",
          "istgt-fullstatus-2", "istgt-fullstatus-empty", "istgt-fullstatus-fenced",
          "istgt-fullstatus-under-legacy", "synthetic-fullstatus-all-registrants",
          "synthetic-fullstatus-all-transports", "synthetic-fullstatus-iscsi-nul-variant"}) {
        INFO(name);
        const Bytes bytes = pr_capture(name);
        const auto status = decode_read_full_status(bytes);
        REQUIRE(status.ok());
        CHECK(status->header.complete);
        CHECK(encode_read_full_status(status->header.generation, status->descriptors) == bytes);
        at_every_length(bytes, [&](const Bytes& cut) {
            const auto part = decode_read_full_status(cut);
            CHECK(part.ok() == (cut.size() >= 8));
            if (!part) return;
            CHECK(part->header.complete == (cut.size() == bytes.size()));
            REQUIRE(part->descriptors.size() <= status->descriptors.size());
            for (std::size_t i = 0; i < part->descriptors.size(); ++i) {
                CHECK(part->descriptors[i] == status->descriptors[i]);
            }
        });
    }
}

TEST_CASE("a descriptor without or with an unreadable TransportID does not hide the others") {
    const FullStatusDescriptor nameless{.key = 1, .holder = true, .type = 3};
    const FullStatusDescriptor broken{.key = 2, .transport_id = Bytes(24, 0x07)};
    const FullStatusDescriptor fine{
        .key = 3, .port = InitiatorPort{Transport::fc, "2100000e1e09a1b0", "", ""}};
    const auto status =
        decode_read_full_status(encode_read_full_status(9, {nameless, broken, fine}));
    REQUIRE(status.ok());
    REQUIRE(status->descriptors.size() == 3);
    CHECK_FALSE(status->descriptors[0].port);
    CHECK(status->descriptors[0].holder);
    CHECK_FALSE(status->descriptors[1].port);
    CHECK(status->descriptors[2].port == fine.port);
    Bytes lying = encode_read_full_status(9, {fine});
    lying[31] = 0xff;  // ADDITIONAL DESCRIPTOR LENGTH
    CHECK_FALSE(decode_read_full_status(lying).ok());
}

TEST_CASE("PERSISTENT RESERVE OUT parameter lists survive a round trip and truncation") {
    PrOutParameters parameters{.reservation_key = 0x0102030405060708,
                               .service_action_reservation_key = 0x1112131415161718,
                               .persist = true};
    auto bytes = encode_pr_out_parameters(parameters);
    REQUIRE(bytes.ok());
    CHECK(bytes->size() == 24);
    CHECK(*decode_pr_out_parameters(*bytes) == parameters);
    at_every_length(*bytes, [](const Bytes& cut) {
        CHECK(decode_pr_out_parameters(cut).ok() == (cut.size() == 24));
    });

    parameters.specify_initiator_ports = true;
    parameters.transport_ids = {InitiatorPort{Transport::fc, "2100000e1e09a1b0", "", ""},
                                InitiatorPort{Transport::iscsi, "iqn.x:y", "00023d000001", ""}};
    bytes = encode_pr_out_parameters(parameters);
    REQUIRE(bytes.ok());
    CHECK(*decode_pr_out_parameters(*bytes) == parameters);
    at_every_length(*bytes, [&](const Bytes& cut) {
        CHECK(decode_pr_out_parameters(cut).ok() == (cut.size() == bytes->size()));
    });
    Bytes too_long(25, 0);
    CHECK_FALSE(decode_pr_out_parameters(too_long).ok());

    const RegisterAndMoveParameters move{
        .reservation_key = 1,
        .service_action_reservation_key = 2,
        .unregister = true,
        .persist = true,
        .relative_target_port = 3,
        .destination = {Transport::sas, "51402ec01841abd0", "", ""}};
    bytes = encode_register_and_move_parameters(move);
    REQUIRE(bytes.ok());
    CHECK(*decode_register_and_move_parameters(*bytes) == move);
    at_every_length(*bytes, [&](const Bytes& cut) {
        CHECK(decode_register_and_move_parameters(cut).ok() == (cut.size() == bytes->size()));
    });
}

TEST_CASE("CDBs have their fields where SPC-4 puts them") {
    CHECK(persistent_reserve_in_cdb(PrInAction::read_full_status, 0x1234) ==
          std::array<std::uint8_t, 10>{0x5e, 3, 0, 0, 0, 0, 0, 0x12, 0x34, 0});
    CHECK(persistent_reserve_out_cdb(PrOutAction::preempt, 3, 24) ==
          std::array<std::uint8_t, 10>{0x5f, 4, 3, 0, 0, 0, 0, 0, 24, 0});
}
