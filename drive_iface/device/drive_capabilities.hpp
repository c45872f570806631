#pragma once

// What a drive can do, asked for once and remembered: nobody should have to know it by its model.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface {

// Unknown is not no: under a RESERVE of some host, for instance, nothing is learnt about persistent
// reservations.
enum class Ability : std::uint8_t { unknown, no, yes };
[[nodiscard]] std::string_view to_text(Ability ability);  // unknown, no, yes
[[nodiscard]] std::optional<Ability> ability_from_text(std::string_view text);

struct DriveCapabilities {
    std::string revision;  // of the firmware that was asked, as INQUIRY has it

    Ability persistent_reserve_in = Ability::unknown;  // READ RESERVATION
    Ability full_status = Ability::unknown;            // READ FULL STATUS, which names the holders
    // REPORT CAPABILITIES, and what it said; all unknown without it.
    Ability report_capabilities = Ability::unknown;
    Ability compatible_reservation_handling = Ability::unknown;  // CRH
    Ability persist_through_power_loss = Ability::unknown;       // PTPL_C
    Ability persist_active = Ability::unknown;                   // PTPL_A, when it was asked
    Ability all_target_ports = Ability::unknown;                 // ATP_C
    Ability specify_initiator_ports = Ability::unknown;          // SIP_C
    std::optional<std::vector<scsi::PrType>> types;  // absent: the drive does not say (TMV is 0)

    // LOG SENSE, page 11h (DT device status), for a host; and which parameters it has.
    Ability dt_device_status = Ability::unknown;
    Ability very_high_frequency = Ability::unknown;  // 0000h: activity, removal prevented
    Ability potential_conflicts =
        Ability::unknown;  // 0200h: how long the potential conflict list is
    std::optional<std::uint16_t> polling_delay_ms;  // 0001h: how often 0000h is worth a look
    std::vector<std::uint16_t> dt_parameters;       // codes, as they came

    bool operator==(const DriveCapabilities&) const = default;
};

// Everything that can be known is.
[[nodiscard]] bool is_complete(const DriveCapabilities& capabilities);
// Something is known not to be there. That is asked again from time to time: a drive under repair
// or update may have said so.
[[nodiscard]] bool lacks_something(const DriveCapabilities& capabilities);
// What was answered with "not supported" counts as unknown again.
void ask_again_for_what_is_missing(DriveCapabilities& capabilities);

// What a reply to PERSISTENT RESERVE IN, REPORT CAPABILITIES tells; for whoever has it already.
void note_report_capabilities(const ScsiReply& reply, DriveCapabilities& capabilities);

struct CapabilityProbe {
    std::uint32_t commands = 0;
    std::vector<scsi::AdditionalSense> unit_attentions;  // seen on the way, oldest first
};

// Asks for what is unknown in `capabilities`, with READ RESERVATION, REPORT CAPABILITIES, READ FULL
// STATUS (header only) and LOG SENSE of pages 00h and 11h: at most five commands, none of which
// changes anything. A command that ends in RESERVATION CONFLICT, BUSY or another trouble leaves its
// answers unknown. Errors: the transport's; what was learnt before it stays.
[[nodiscard]] agent::core::Result<CapabilityProbe> probe_capabilities(
    Transport& drive, DriveCapabilities& capabilities, agent::core::Duration timeout);

}  // namespace drive_iface
