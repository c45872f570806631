#pragma once

// Everything a drive tells about its reservation, asked once: for people who are about to end it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/log_page.hpp"

namespace drive_iface {

struct ReservationSurvey {
    struct Registrant {
        std::uint64_t key = 0;
        std::optional<agent::core::InitiatorPort> port;  // absent: the drive does not name it
        bool holder = false;
    };
    agent::core::Reservation reservation;
    agent::core::HolderEvidence evidence = agent::core::HolderEvidence::none;
    std::vector<Registrant> registrants;  // not to be had while a RESERVE is active
    // What the drive does right now (log page 11h); absent: `no_status` says why.
    std::optional<scsi::VeryHighFrequencyData> status;
    std::string no_status;
};

// READ RESERVATION, READ FULL STATUS or READ KEYS, TEST UNIT READY where nothing else tells a
// RESERVE, LOG SENSE page 11h. `timeout` holds for each command. Errors: the drive does not say
// who reserves it.
[[nodiscard]] agent::core::Result<ReservationSurvey> survey_reservations(
    Transport& drive, agent::core::Duration timeout);

// Ends the persistent reservation `expected`, and no other: registers `key`, PREEMPT of exactly the
// holder's key (of all registrants for the all-registrants types), RELEASE, unregister. Commands
// under way are not aborted. Errors: it is another reservation by now (nothing was done); the drive
// refuses. The controller's registration is taken back in either case.
[[nodiscard]] agent::core::Outcome end_persistent_reservation(
    Transport& drive, std::uint64_t key, const agent::core::PersistentReservation& expected,
    agent::core::Duration timeout);

}  // namespace drive_iface
