#pragma once

// What lra-mibd says to lrad on its standard output, a line each, and the one answer that comes
// back between snapshots. Strict: whatever is not understood is nothing.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace snmp_mib {

// Somebody who may write sets tlrDriveAdminState and tlrDriveAdminReason of one drive.
struct DriveChange {
    std::string drive;
    bool offline = false;
    std::string reason;     // 1 to 200 bytes of plain text
    std::string user;       // of SNMPv3, authenticated and encrypted
    std::string address;    // that the request came from
    bool only_ask = false;  // may it be done here now? Nothing is done yet
    bool operator==(const DriveChange&) const = default;
};
inline constexpr std::size_t change_reason_max = 200;

struct HelperReady {
    std::uint16_t port = 0;  // 0: it is a subagent, which listens nowhere
    bool operator==(const HelperReady&) const = default;
};
struct HelperMaster {
    bool connected = false;  // to snmpd
    bool operator==(const HelperMaster&) const = default;
};
// How many messages the query side has refused, by cause, since it started; and what it does.
using HelperCounts = std::map<std::string, std::uint64_t>;
// Waits for a DriveChangeAnswer with the same number.
struct DriveChangeRequest {
    std::uint64_t number = 0;
    DriveChange change;
    bool operator==(const DriveChangeRequest&) const = default;
};
using HelperLine = std::variant<HelperReady, HelperMaster, HelperCounts, DriveChangeRequest>;

inline constexpr std::size_t helper_line_length_max = 16'384;
[[nodiscard]] std::string to_line(const HelperLine& said);
[[nodiscard]] std::optional<HelperLine> helper_line_from(std::string_view line);

struct DriveChangeAnswer {
    std::uint64_t number = 0;
    std::string refusal;  // empty: it was taken
    bool operator==(const DriveChangeAnswer&) const = default;
};
[[nodiscard]] std::string to_json_line(const DriveChangeAnswer& answer);
[[nodiscard]] std::optional<DriveChangeAnswer> change_answer_from(std::string_view line);

}  // namespace snmp_mib
