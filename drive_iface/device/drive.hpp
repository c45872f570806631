#pragma once

// What can be asked of a drive: who it is, and who reserves it. Works over any Transport; one
// thread at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface {

struct DriveIdentity {
    agent::core::DriveSerial serial;  // VPD page 80h
    std::string vendor;
    std::string product;
    std::string revision;
    std::uint8_t device_type = 0;
    std::string logical_unit_name;  // NAA designator of the logical unit (VPD page 83h), hex
                                    // digits; may be empty
    bool operator==(const DriveIdentity&) const = default;
};

// INQUIRY, VPD pages 80h and 83h: always allowed, whoever reserves the drive. Page 83h may be
// missing. Errors: transport, the device refuses, no serial number, not a sequential-access device.
[[nodiscard]] agent::core::Result<DriveIdentity> identify(Transport& drive,
                                                          agent::core::Duration timeout);

// Is TEST UNIT READY sent to find a RESERVE of another host? PERSISTENT RESERVE IN ends with
// RESERVATION CONFLICT under one (SPC-2 5.5.1), so that a conforming drive needs no second command.
enum class LegacyProbe : std::uint8_t {
    automatic,  // until the drive has shown, by CRH or by a conflict, that PERSISTENT RESERVE IN
                // tells
    test_unit_ready,  // always
    never,
};
[[nodiscard]] std::optional<LegacyProbe> legacy_probe_from_text(
    std::string_view text);  // auto, tur, never

// What one look told.
struct ReservationReading {
    agent::core::Reservation reservation;
    agent::core::HolderEvidence evidence = agent::core::HolderEvidence::none;
    std::uint32_t generation = 0;  // PRGENERATION; 0 without persistent reservations
    std::vector<scsi::AdditionalSense> unit_attentions;  // seen on the way, oldest first
    bool operator==(const ReservationReading&) const = default;
};

// Reads the reservation of one drive again and again, and remembers between two looks what saves
// commands: capabilities, the last full status, and which command tells a legacy reservation.
// Forget it (make a new one) when the drive changes.
class ReservationReader {
  public:
    explicit ReservationReader(LegacyProbe probe = LegacyProbe::automatic) : probe_(probe) {}

    // READ RESERVATION; READ FULL STATUS when generation, key or type changed or the holder is not
    // known; TEST UNIT READY as LegacyProbe says. One command on a quiet, conforming drive.
    // `timeout` holds for each command. Errors: transport; an answer that can not be understood;
    // BUSY or unit attentions without end.
    [[nodiscard]] agent::core::Result<ReservationReading> read(Transport& drive,
                                                               agent::core::Instant now,
                                                               agent::core::Duration timeout);

  private:
    enum class LegacyShownBy : std::uint8_t { not_known, persistent_reserve_in, test_unit_ready };
    struct FullStatus {
        std::uint32_t generation = 0;
        agent::core::PersistentReservation reservation;
        std::vector<agent::core::InitiatorPort> holders;
        agent::core::HolderEvidence evidence = agent::core::HolderEvidence::none;
    };
    struct Look;

    agent::core::Result<ReservationReading> read_persistent(Look& look);
    agent::core::Result<FullStatus> read_holders(Look& look, std::uint32_t generation,
                                                 const agent::core::PersistentReservation& held,
                                                 bool& moved_on);
    agent::core::Result<ReservationReading> probe_legacy(Look& look, std::uint32_t generation);
    agent::core::Outcome learn_capabilities(Look& look);
    bool needs_test_unit_ready() const;

    LegacyProbe probe_;
    LegacyShownBy legacy_shown_by_ = LegacyShownBy::not_known;
    bool capabilities_asked_ = false;
    bool full_status_supported_ = true;
    std::optional<agent::core::Instant> no_persistent_reservations_since_;
    std::optional<FullStatus> last_full_status_;
};

}  // namespace drive_iface
