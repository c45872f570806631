#pragma once

// LOG SENSE (SPC-4 6.8): log pages, and page 11h, DT device status (SSC-3 8.2.5, ADC-3 6.1.2).

#include <array>
#include <optional>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::scsi {

namespace log_page_code {
inline constexpr std::uint8_t supported_pages = 0x00;
inline constexpr std::uint8_t dt_device_status = 0x11;
}  // namespace log_page_code

// Current cumulative values (PC 01b) of page and subpage, from the first parameter.
[[nodiscard]] std::array<std::uint8_t, 10> log_sense_cdb(std::uint8_t page, std::uint8_t subpage,
                                                         std::uint16_t allocation_length);

struct LogParameter {
    std::uint16_t code = 0;
    std::uint8_t control = 0;
    Bytes value;
    bool operator==(const LogParameter&) const = default;
};

// Data cut by the allocation length decodes to the parameters that arrived whole, and `complete` is
// false.
struct LogPage {
    std::uint8_t page = 0;
    std::uint8_t subpage = 0;
    bool complete = true;
    std::vector<LogParameter> parameters;
    bool operator==(const LogPage&) const = default;
};
// Not for page 00h, which is a list of codes.
[[nodiscard]] agent::core::Result<LogPage> decode_log_page(ByteView data);
[[nodiscard]] Bytes encode_log_page(const LogPage& page);

// Page 00h, subpage 00h.
[[nodiscard]] agent::core::Result<std::vector<std::uint8_t>> decode_supported_log_pages(
    ByteView data);
[[nodiscard]] Bytes encode_supported_log_pages(const std::vector<std::uint8_t>& pages);

// Parameter 0000h, very high frequency data: what the drive is doing right now. While
// `in_transition` is set the medium bits are not stable. There is no reservation in it.
struct VeryHighFrequencyData {
    bool prevent_removal = false;          // PAMR: some host prevents medium removal
    bool host_unload = false;              // HUI
    bool auxiliary_memory_access = false;  // MACC
    bool compression = false;              // CMPR
    bool write_protected = false;          // WRTP
    bool cleaning_requested = false;       // CRQST
    bool cleaning_required = false;        // CRQRD
    bool initialized = false;              // DINIT: the drive is ready to talk about itself
    bool in_transition = false;            // INXTN
    bool robot_access_allowed = false;     // RAA
    bool medium_present = false;           // MPRSNT
    bool medium_seated = false;            // MSTD
    bool medium_threaded = false;          // MTHRD
    bool mounted = false;                  // MOUNTED
    std::uint8_t activity = 0;             // DT DEVICE ACTIVITY, 0: none
    bool vendor_status = false;            // VS
    bool encryption_parameters = false;    // TDDEC
    bool encryption_present = false;       // EPP
    bool encryption_service = false;       // ESR
    bool recovery_requested = false;       // RRQST
    bool interface_changed = false;        // INTFC
    bool tape_alert_changed = false;       // TAFC
    bool operator==(const VeryHighFrequencyData&) const = default;
};

// Parameter 0201h and following of LTO-6 and later drives ("potential conflict list"; layout read
// off real drives): the last command of a host that may have come in the way of another. A probable
// user, not a reservation holder.
struct PotentialConflict {
    std::uint8_t operation_code = 0;
    std::uint32_t detail = 0;        // bytes 1 to 4, meaning not published
    std::uint64_t timestamp_ms = 0;  // the drive's clock, since 1970
    std::uint16_t relative_target_port = 0;
    std::optional<agent::core::InitiatorPort> port;
    bool operator==(const PotentialConflict&) const = default;
};

struct DtDeviceStatus {
    bool complete = true;
    std::optional<VeryHighFrequencyData> very_high_frequency;
    std::optional<std::uint16_t> polling_delay_ms;
    std::optional<std::uint8_t>
        potential_conflict_count;  // as parameter 0200h says; absent: the drive has no list
    std::vector<PotentialConflict> potential_conflicts;  // those that arrived and decode
    bool operator==(const DtDeviceStatus&) const = default;
};
// Parameters that are not known, or too short for what they should be, are skipped. Errors: not
// page 11h, page broken.
[[nodiscard]] agent::core::Result<DtDeviceStatus> decode_dt_device_status(ByteView data);
[[nodiscard]] Bytes encode_dt_device_status(const DtDeviceStatus& status);

}  // namespace drive_iface::scsi
