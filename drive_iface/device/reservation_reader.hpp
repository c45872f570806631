#pragma once

// Who reserves a drive, asked with as few commands as will do.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface {

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
    std::uint32_t commands = 0;                          // sent for this look
    bool operator==(const ReservationReading&) const = default;
};

// Remembers between two looks at one drive what saves commands: capabilities, the last full status,
// and which command tells a legacy reservation. Make a new one when the drive may have changed. One
// thread at a time.
class ReservationReader {
  public:
    explicit ReservationReader(LegacyProbe probe = LegacyProbe::automatic) : probe_(probe) {}

    // READ RESERVATION; READ FULL STATUS when generation, key or type changed or the holder is not
    // known; TEST UNIT READY as LegacyProbe says. One command on a quiet, conforming drive.
    // `timeout` holds for each command. Errors: transport; an answer that can not be understood;
    // BUSY; unit attentions without end.
    [[nodiscard]] agent::core::Result<ReservationReading> read(Transport& drive,
                                                               agent::core::Instant now,
                                                               agent::core::Duration timeout);

  private:
    enum class LegacyShownBy : std::uint8_t { not_known, persistent_reserve_in, test_unit_ready };
    struct Holders {
        std::uint32_t generation = 0;
        agent::core::PersistentReservation reservation;
        std::vector<agent::core::InitiatorPort> ports;
        agent::core::HolderEvidence evidence = agent::core::HolderEvidence::none;
    };
    class Look;

    agent::core::Result<ReservationReading> read_persistent(Look& look, agent::core::Instant now);
    agent::core::Result<ReservationReading> held(Look& look, scsi::ReadReservationData data);
    agent::core::Result<scsi::ReadFullStatusData> read_full_status(Look& look);
    agent::core::Result<ReservationReading> probe_legacy(Look& look, std::uint32_t generation);
    void learn_capabilities(Look& look);
    [[nodiscard]] bool needs_test_unit_ready() const;

    LegacyProbe probe_;
    LegacyShownBy legacy_shown_by_ = LegacyShownBy::not_known;
    bool capabilities_asked_ = false;
    bool full_status_supported_ = true;
    std::optional<agent::core::Instant> not_supported_since_;
    std::optional<Holders> last_;
};

}  // namespace drive_iface
