#include "agent/core/reservation.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;

TEST_CASE("a port's text reads back as the port") {
    for (const std::string text :
         {"fc:2100000e1e09a1b0", "sas:51402ec01841abd0", "srp:fe8000000000000000 02c90300aabbcc",
          "iscsi:iqn.x:y,i,0x00023d000001@192.0.2.17", "iscsi:iqn.x:y,i,0x00023d000001",
          "iscsi:iqn.x:y@2001:db8::17", "iscsi:iqn.x:y",
          "unknown:", "unknown:010000070000000100000000"}) {
        INFO(text);
        const auto port = initiator_port_from_text(text);
        if (text.find(' ') != std::string::npos) {
            CHECK_FALSE(port);
            continue;
        }
        REQUIRE(port);
        CHECK(to_text(*port) == text);
    }
    const auto port = initiator_port_from_text("iscsi:iqn.x:y,i,0x00023d000001@192.0.2.17");
    CHECK(port->transport == Transport::iscsi);
    CHECK(port->name == "iqn.x:y");
    CHECK(port->isid == "00023d000001");
    CHECK(port->address == "192.0.2.17");
}

TEST_CASE("operators may write names their own way") {
    CHECK(initiator_port_from_text("fc:21:00:00:0E:1E:09:A1:B0")->name == "2100000e1e09a1b0");
    CHECK(initiator_port_from_text("fc:0x2100000E1E09A1B0")->name == "2100000e1e09a1b0");
    CHECK(initiator_port_from_text("iscsi:IQN.1994-05.com.redhat:A1,i,0x00023D000001")->name ==
          "iqn.1994-05.com.redhat:a1");
}

TEST_CASE("what is not a port is refused") {
    for (const char* text :
         {"", "fc", "fc:", "fc:21", "fc:2100000e1e09a1bg", "fc:2100000e1e09a1b0@", "scsi:1",
          "iscsi:", "iscsi:,i,0x", "iscsi:iqn.x,i,0x1", "iscsi:iqn.x,i,0x00023d0000012",
          "iscsi:iqn x", "iscsi:iqn.x@a b", "iscsi:a,b", "iscsi:iqn.x\n", "srp:00"}) {
        INFO(text);
        CHECK_FALSE(initiator_port_from_text(text));
    }
    CHECK_FALSE(initiator_port_from_text("iscsi:" + std::string(224, 'a')));
    CHECK(initiator_port_from_text("iscsi:" + std::string(223, 'a')));
}

TEST_CASE("a host is the same behind another ISID and address, not behind another name") {
    const auto port = [](const char* text) { return *initiator_port_from_text(text); };
    CHECK(same_host_port(port("iscsi:iqn.x,i,0x00023d000001@192.0.2.1"),
                         port("iscsi:iqn.x,i,0x00023d000002")));
    CHECK_FALSE(same_host_port(port("iscsi:iqn.x"), port("iscsi:iqn.y")));
    CHECK_FALSE(same_host_port(port("fc:2100000e1e09a1b0"), port("sas:2100000e1e09a1b0")));
    CHECK_FALSE(same_host_port({}, {}));  // two ports nobody could name
}

TEST_CASE("every enumerator has a text that reads back") {
    for (const auto value :
         {Transport::unknown, Transport::fc, Transport::iscsi, Transport::sas, Transport::srp}) {
        CHECK(transport_from_text(to_text(value)) == value);
    }
    for (const auto value :
         {ReservationState::free, ReservationState::reserved, ReservationState::unknown}) {
        CHECK(reservation_state_from_text(to_text(value)) == value);
    }
    for (const auto value :
         {ReservationKind::none, ReservationKind::reserve6, ReservationKind::reserve10,
          ReservationKind::legacy, ReservationKind::persistent}) {
        CHECK(reservation_kind_from_text(to_text(value)) == value);
    }
    for (const auto value :
         {HolderEvidence::drive_event, HolderEvidence::full_status, HolderEvidence::key,
          HolderEvidence::conflict_list, HolderEvidence::host_asserted, HolderEvidence::none}) {
        CHECK(holder_evidence_from_text(to_text(value)) == value);
    }
    for (const auto value : {OperationalState::online, OperationalState::forced_offline,
                             OperationalState::unprotected, OperationalState::unreachable}) {
        CHECK(operational_state_from_text(to_text(value)) == value);
    }
    CHECK_FALSE(transport_from_text("FC"));
    CHECK_FALSE(operational_state_from_text(""));
}
