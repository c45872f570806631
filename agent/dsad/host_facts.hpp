#pragma once

// What a person has said about this host, where its configuration leaves it open and discovery can
// not tell: a drive that is not seen, the application's name of one, a port that is not found, or
// one that is found and belongs to somebody else.

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace agent::dsad {

struct DriveFact {
    core::DriveSerial serial;
    bool added = false;  // the host has it because a person says so; false: only the rest is said
    std::string application_name;  // empty: not said
    std::string device;            // empty: not said
    std::string actor;
    core::WallTime at;
    bool operator==(const DriveFact&) const = default;
};

struct PortFact {
    core::InitiatorPort port;
    bool own = true;  // false: not this host's, whatever is found
    std::string actor;
    core::WallTime at;
    bool operator==(const PortFact&) const = default;
};

struct HostFacts {
    std::vector<DriveFact> drives;  // each serial once
    std::vector<PortFact> ports;    // each port once
    bool operator==(const HostFacts&) const = default;
};

inline constexpr std::size_t host_facts_max = 256;  // of each kind

[[nodiscard]] std::string host_facts_text(const HostFacts& facts);
[[nodiscard]] core::Result<HostFacts> host_facts_from_text(std::string_view text);

// <state_dir>/host-facts.json; none when the file is not there.
[[nodiscard]] core::Result<HostFacts> load_host_facts(const std::string& state_dir);
// Durably, or not at all.
[[nodiscard]] core::Outcome save_host_facts(const std::string& state_dir, const HostFacts& facts);

}  // namespace agent::dsad
