#pragma once

// A small library and hosts that talk to it, so that a test shows only what matters.

#include <cstdint>
#include <string>
#include <vector>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/reserve.hpp"
#include "drive_iface/scsi/sense.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

namespace virtual_library_test {

using namespace drive_iface;
using agent::core::InitiatorPort;
using agent::core::Transport;
using scsi::PrInAction;
using scsi::PrOutAction;
using scsi::PrType;
using virtual_library::CommandReply;
using virtual_library::Library;
using virtual_library::LibraryEvent;
using virtual_library::NexusId;
using virtual_library::Status;
using virtual_library::TaskManagement;
using Bytes = std::vector<std::uint8_t>;

inline const std::string serial = "VT00000001";
inline const std::string other_serial = "VT00000002";

inline InitiatorPort iscsi_port(const std::string& host, const std::string& isid = "00023d000001") {
    return {.transport = Transport::iscsi,
            .name = "iqn.2026-01.org.example:" + host,
            .isid = isid,
            .address = "192.0.2.17"};
}

inline InitiatorPort fc_port(const std::string& wwpn) {
    return {.transport = Transport::fc, .name = wwpn, .isid = {}, .address = {}};
}

inline const std::string changer_serial = "VL00000001";

// A blank cartridge in each drive.
struct TwoCartridges {
    TwoCartridges() {
        for (const char* barcode : {"VT0001L8", "VT0002L8"})
            shelf.add({.barcode = barcode, .capacity = 1'000'000'000});
    }
    virtual_library::MemoryShelf shelf;
};

class TwoDrives : public TwoCartridges, public Library {
  public:
    TwoDrives()
        : Library({.vendor = "LRA",
                   .product = "VIRTUAL LIBRARY",
                   .serial = virtual_library_test::changer_serial,
                   .drives = {{.serial = serial,
                               .product = "VIRTUAL ULTRIUM",
                               .element_address = 256,
                               .cartridge = "VT0001L8"},
                              {.serial = other_serial,
                               .product = "VIRTUAL ULTRIUM",
                               .element_address = 257,
                               .cartridge = "VT0002L8"}}},
                  shelf) {}
};

// One host port, logged in to one drive. Borrowed: the library outlives it.
class Host {
  public:
    // The unit attention of the login is taken off unless `fresh`.
    Host(Library& library, InitiatorPort port, bool fresh = false,
         const std::string& drive = serial)
        : library_(&library), port_(std::move(port)), drive_(drive) {
        log_in();
        if (!fresh) CHECK(sense(send(scsi::test_unit_ready_cdb())).additional.asc == 0x29);
    }

    void log_in() {
        const auto established = library_->nexus_established(drive_, port_);
        REQUIRE(established.ok());
        nexus_ = *established;
    }
    void log_out() { library_->nexus_lost(nexus_); }

    template <typename Cdb>
    CommandReply send(const Cdb& cdb, const Bytes& data_out = {}, std::uint64_t lun = 0) {
        Bytes sent = data_out;
        auto answer = library_->execute(nexus_, lun, cdb, sent);
        REQUIRE(answer);
        return *std::move(answer);
    }
    CommandReply send(std::initializer_list<std::uint8_t> cdb, const Bytes& data_out = {},
                      std::uint64_t lun = 0) {
        return send(Bytes(cdb), data_out, lun);
    }

    CommandReply test_unit_ready() { return send(scsi::test_unit_ready_cdb()); }
    CommandReply reserve() { return send(scsi::reserve_6_cdb()); }
    CommandReply release() { return send(scsi::release_6_cdb()); }
    CommandReply read() { return send({scsi::opcode::read_6, 0, 0, 0, 1, 0}); }
    CommandReply write() { return send({scsi::opcode::write_6, 0, 0, 0, 1, 0}, {0}); }

    CommandReply pr_out(PrOutAction action, std::uint64_t key, std::uint64_t service_action_key = 0,
                        std::uint8_t type = 0, bool persist = false) {
        const auto list =
            scsi::encode_pr_out_parameters({.reservation_key = key,
                                            .service_action_reservation_key = service_action_key,
                                            .persist = persist});
        return send(scsi::persistent_reserve_out_cdb(action, type,
                                                     static_cast<std::uint32_t>(list->size())),
                    *list);
    }
    CommandReply pr_out(PrOutAction action, std::uint64_t key, std::uint64_t service_action_key,
                        PrType type) {
        return pr_out(action, key, service_action_key, static_cast<std::uint8_t>(type));
    }
    CommandReply register_key(std::uint64_t key, bool persist = false) {
        return pr_out(PrOutAction::register_and_ignore_existing_key, 0, key, std::uint8_t{0},
                      persist);
    }
    CommandReply pr_in(PrInAction action, std::uint16_t allocation_length = 8192) {
        return send(scsi::persistent_reserve_in_cdb(action, allocation_length));
    }
    CommandReply register_and_move(std::uint64_t key, std::uint64_t new_key,
                                   const InitiatorPort& destination, bool unregister = false) {
        const auto list =
            scsi::encode_register_and_move_parameters({.reservation_key = key,
                                                       .service_action_reservation_key = new_key,
                                                       .unregister = unregister,
                                                       .relative_target_port = 1,
                                                       .destination = destination});
        REQUIRE(list.ok());
        return send(scsi::persistent_reserve_out_cdb(PrOutAction::register_and_move, 0,
                                                     static_cast<std::uint32_t>(list->size())),
                    *list);
    }

    static scsi::SenseData sense(const CommandReply& reply) {
        if (reply.status != Status::check_condition) return {};
        const auto sense = scsi::decode_sense(reply.sense);
        REQUIRE(sense.ok());
        return *sense;
    }
    // The unit attention that waits for this host; takes it off.
    scsi::AdditionalSense attention() {
        const auto reply = test_unit_ready();
        const auto data = sense(reply);
        return data.key == scsi::SenseKey::unit_attention ? data.additional
                                                          : scsi::additional_sense::none;
    }

    [[nodiscard]] NexusId nexus() const { return nexus_; }
    [[nodiscard]] const InitiatorPort& port() const { return port_; }

  private:
    Library* library_;
    InitiatorPort port_;
    std::string drive_;
    NexusId nexus_;
};

inline bool good(const CommandReply& reply) {
    return reply.status == Status::good;
}
inline bool conflict(const CommandReply& reply) {
    return reply.status == Status::reservation_conflict && reply.sense.empty() &&
           reply.data_in.empty();
}
inline bool fails_with(const CommandReply& reply, scsi::SenseKey key,
                       scsi::AdditionalSense additional) {
    const auto sense = Host::sense(reply);
    return reply.status == Status::check_condition && sense.key == key &&
           sense.additional == additional;
}
inline bool forced_offline(const CommandReply& reply) {
    return fails_with(reply, scsi::SenseKey::hardware_error,
                      scsi::additional_sense::internal_target_failure);
}

inline agent::core::Reservation reservation_of(const Library& library,
                                               const std::string& drive = serial) {
    for (const auto& status : library.drives()) {
        if (status.serial == drive) return status.reservation;
    }
    FAIL("no drive " << drive);
    return {};
}

}  // namespace virtual_library_test
