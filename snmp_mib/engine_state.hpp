#pragma once

// What an SNMP engine must not forget over a restart: its ID, how often it started, and who the
// others are.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace snmp_mib {

// snmpEngineID and snmpEngineBoots (RFC 3411 5, RFC 3414 2.2.2). A receiver that saw a higher
// number of boots refuses us for ever, so the number is raised on disk before the first message of
// a process.
struct EngineIdentity {
    std::string engine_id;  // 5..32 bytes
    std::uint32_t boots = 0;
};

// Reads STATE_DIR/snmp-engine, raises boots, writes it back synced. `configured_id` (bytes) may be
// empty: the one on disk is taken, or made at random. Without a file the boots start from the
// calendar (minutes since 2020), so that a controller whose state was wiped still counts upwards.
[[nodiscard]] agent::core::Result<EngineIdentity> next_engine_identity(
    const std::string& state_dir, const std::string& configured_id);

// Engine IDs of peers that were learnt, in STATE_DIR/snmp-peers: one line "HEX NAME" each.
class LearntEngines {
  public:
    static agent::core::Result<LearntEngines> load(const std::string& state_dir);

    [[nodiscard]] std::optional<std::string> find(const std::string& peer) const;
    void remember(const std::string& peer, const std::string& engine_id);
    // Writes what was remembered since it was last written, synced; nothing when nothing was.
    [[nodiscard]] agent::core::Outcome keep();

  private:
    std::string path_;
    std::map<std::string, std::string> engines_;
    bool changed_ = false;
};

[[nodiscard]] std::string to_hexadecimal(std::string_view bytes);
// Upper or lower case, an optional leading "0x", nothing else.
[[nodiscard]] std::optional<std::string> from_hexadecimal(std::string_view text);

}  // namespace snmp_mib
