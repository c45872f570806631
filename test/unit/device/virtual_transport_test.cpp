#include "drive_iface/device/virtual_transport.hpp"

#include "drive_iface/device/drive.hpp"
#include "drive_iface/device/reservation_reader.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/reserve.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/unit/device/recorded_transport.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

constexpr Duration timeout{1'000};

InitiatorPort host(const std::string& name) {
    return {agent::core::Transport::iscsi, "iqn.2026-01.org.example:" + name, "00023d000001",
            "192.0.2.7"};
}

virtual_library::MemoryShelf one_cartridge() {
    virtual_library::MemoryShelf shelf;
    shelf.add({.barcode = "VT0001L8", .capacity = 1'000'000'000});
    return shelf;
}

struct Room {
    virtual_library::MemoryShelf shelf = one_cartridge();
    virtual_library::Library library{{.vendor = "LRA",
                                      .product = "CHANGER",
                                      .serial = "CH00000001",
                                      .drives = {{.serial = "VT00000001",
                                                  .product = "VIRTUAL-LTO",
                                                  .element_address = 256,
                                                  .cartridge = "VT0001L8"}}},
                                     shelf};
    std::unique_ptr<drive_iface::Transport> controller =
        make_virtual_transport(library, "VT00000001", host("controller"));
    std::unique_ptr<drive_iface::Transport> a =
        make_virtual_transport(library, "VT00000001", host("a"));
    ReservationReader reader;

    Reservation look() {
        const auto reading = reader.read(*controller, {0}, timeout);
        REQUIRE(reading.ok());
        return reading->reservation;
    }
    static std::uint8_t send(drive_iface::Transport& from, std::span<const std::uint8_t> cdb,
                             scsi::ByteView data = {}) {
        for (;;) {
            const auto reply = from.execute({cdb, data, 0}, timeout);
            REQUIRE(reply.ok());
            const bool unit_attention =
                reply->status == scsi::status::check_condition && (reply->sense.at(2) & 0xf) == 6;
            if (!unit_attention) return reply->status;
        }
    }
    static std::uint8_t out(drive_iface::Transport& from, scsi::PrOutAction action,
                            std::uint8_t type, std::uint64_t key,
                            std::uint64_t service_action_key) {
        scsi::PrOutParameters parameters;
        parameters.reservation_key = key;
        parameters.service_action_reservation_key = service_action_key;
        const auto list = scsi::encode_pr_out_parameters(parameters);
        REQUIRE(list.ok());
        return send(from,
                    scsi::persistent_reserve_out_cdb(action, type,
                                                     static_cast<std::uint32_t>(list->size())),
                    *list);
    }
};

}  // namespace

TEST_CASE("a virtual drive says who it is and who reserves it") {
    Room room;
    CHECK(identify(*room.controller, timeout)->serial.text == "VT00000001");
    CHECK(room.look().state == ReservationState::free);

    REQUIRE(Room::send(*room.a, scsi::reserve_6_cdb()) == scsi::status::good);
    CHECK(room.look().kind == ReservationKind::legacy);
    REQUIRE(Room::send(*room.a, scsi::release_6_cdb()) == scsi::status::good);
    CHECK(room.look().state == ReservationState::free);

    REQUIRE(Room::out(*room.a, scsi::PrOutAction::register_key, 0, 0, 7) == scsi::status::good);
    REQUIRE(Room::out(*room.a, scsi::PrOutAction::reserve, 3, 7, 0) == scsi::status::good);
    const auto held = room.look();
    CHECK(held.persistent == PersistentReservation{3, 7});
    REQUIRE(held.holders.size() == 1);
    CHECK(held.holders[0].name == host("a").name);
    CHECK(held.holders[0].isid == host("a").isid);

    REQUIRE(room.library.force_offline("VT00000001", "test").ok());
    CHECK(room.look() == held);  // a drive that is forced offline still tells
}

TEST_CASE("logging out ends a RESERVE") {
    Room room;
    REQUIRE(Room::send(*room.a, scsi::reserve_6_cdb()) == scsi::status::good);
    room.a.reset();
    CHECK(room.look().state == ReservationState::free);
}

TEST_CASE("a drive that the library does not have is an error of the transport") {
    Room room;
    const auto nobody = make_virtual_transport(room.library, "VT99999999", host("a"));
    CHECK_FALSE(identify(*nobody, timeout).ok());
}
