#pragma once

// Who reserves a drive, asked with as few commands as will do.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/drive_capabilities.hpp"
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

// The command that a look begins with: READ RESERVATION.
[[nodiscard]] ScsiCommand first_command_of_look();

// What one look told.
struct ReservationReading {
    agent::core::Reservation reservation;
    agent::core::HolderEvidence evidence = agent::core::HolderEvidence::none;
    std::uint32_t generation = 0;  // PRGENERATION; 0 without persistent reservations
    std::vector<scsi::AdditionalSense> unit_attentions;  // seen on the way, oldest first
    std::uint32_t commands = 0;                          // sent for this look
    // Everybody who is registered, holder or not; absent when the drive does not tell (a RESERVE,
    // no persistent reservations). Without READ FULL STATUS the keys alone, from READ KEYS.
    std::optional<std::vector<scsi::FullStatusDescriptor>> registrations;
    bool operator==(const ReservationReading&) const = default;
};

// Remembers between two looks at one drive what saves commands: capabilities, the last full status,
// and which command tells a legacy reservation. Make a new one when the drive may have changed. One
// thread at a time.
class ReservationReader {
  public:
    // `known`: what a capability probe has told about this drive, so that nothing of it is asked
    // again.
    explicit ReservationReader(LegacyProbe probe = LegacyProbe::automatic,
                               DriveCapabilities known = {})
        : probe_(probe), capabilities_(std::move(known)) {}

    // READ RESERVATION; READ FULL STATUS (READ KEYS where there is none) when generation, key or
    // type changed or the holder is not known; TEST UNIT READY as LegacyProbe says. One command on
    // a quiet, conforming drive. `timeout` holds for each command. Errors: transport; an answer
    // that can not be understood; BUSY; unit attentions without end.
    [[nodiscard]] agent::core::Result<ReservationReading> read(Transport& drive,
                                                               agent::core::Instant now,
                                                               agent::core::Duration timeout);

    // What is known by now, from `known` and from the looks since.
    [[nodiscard]] const DriveCapabilities& capabilities() const { return capabilities_; }
    void set_capabilities(DriveCapabilities known);

  private:
    enum class LegacyShownBy : std::uint8_t { not_known, persistent_reserve_in, test_unit_ready };
    struct Holders {
        std::uint32_t generation = 0;
        agent::core::PersistentReservation reservation;
        std::vector<agent::core::InitiatorPort> ports;
        agent::core::HolderEvidence evidence = agent::core::HolderEvidence::none;
    };
    struct Registrations {
        std::uint32_t generation = 0;
        std::vector<scsi::FullStatusDescriptor> all;
    };
    class Look;

    agent::core::Result<ReservationReading> read_persistent(Look& look, agent::core::Instant now);
    agent::core::Result<ReservationReading> held(Look& look, scsi::ReadReservationData data);
    agent::core::Result<scsi::ReadFullStatusData> read_full_status(Look& look);
    agent::core::Result<ReservationReading> probe_legacy(Look& look, std::uint32_t generation);
    void learn_capabilities(Look& look);
    void learn_registrations(Look& look, std::uint32_t generation);
    [[nodiscard]] bool needs_test_unit_ready() const;

    LegacyProbe probe_;
    LegacyShownBy legacy_shown_by_ = LegacyShownBy::not_known;
    DriveCapabilities capabilities_;
    std::optional<agent::core::Instant>
        not_supported_since_;  // since when READ RESERVATION is known not to be there
    std::optional<Holders> last_;
    std::optional<Registrations> registrations_;  // as last read
    bool read_keys_supported_ = true;
    std::uint32_t registrations_generation_ = 0;  // that was last asked for, and how often in vain
    int registrations_attempts_ = 0;
};

}  // namespace drive_iface
