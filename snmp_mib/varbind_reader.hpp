#pragma once

// Reads the objects of a notification one after the other: name, then type, then length, then
// value. The first thing that is wrong is kept and everything after it reads as empty, so a decoder
// is a straight list of reads.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/varbind.hpp"

namespace snmp_mib {

class VarbindReader {
  public:
    // Takes sysUpTime.0 and snmpTrapOID.0 off the front.
    explicit VarbindReader(std::span<const Varbind> varbinds);

    // Which notification of ours it is; nothing for another one or a broken list.
    [[nodiscard]] std::optional<oids::Notification> notification() const { return notification_; }

    std::string octets(oids::NotifyObject object, std::size_t least, std::size_t most);
    // As octets(), without control characters and well-formed UTF-8.
    std::string text(oids::NotifyObject object, std::size_t least, std::size_t most);
    // An enumeration with wire values least..most.
    std::int32_t enumeration(oids::NotifyObject object, std::int32_t least, std::int32_t most);
    std::uint32_t unsigned32(oids::NotifyObject object);
    std::uint64_t counter64(oids::NotifyObject object);
    agent::core::WallTime time(oids::NotifyObject object);

    void refuse(std::string why);
    // Nothing may be left over. The error of the first bad read, if any.
    [[nodiscard]] agent::core::Outcome finish();

  private:
    const VarbindValue* next(oids::NotifyObject object);

    std::span<const Varbind> rest_;
    std::optional<oids::Notification> notification_;
    std::optional<agent::core::Error> error_;
};

// "2026-01-31T12:00:00.123Z", years 1970..9999 (TlrUtcTime of the MIB module).
[[nodiscard]] std::string utc_text(agent::core::WallTime at);
[[nodiscard]] std::optional<agent::core::WallTime> utc_from_text(std::string_view text);

// At most `most` bytes, never half of a UTF-8 character, control characters replaced by blanks.
[[nodiscard]] std::string bounded_text(std::string_view text, std::size_t most);

[[nodiscard]] std::string_view name_of(oids::NotifyObject object);  // as in the MIB module

}  // namespace snmp_mib
