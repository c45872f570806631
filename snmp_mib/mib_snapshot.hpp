#pragma once

// Everything lra-mibd serves, as one value. The controller builds it; nothing that matters ever
// comes back.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/reservation_agent.hpp"
#include "snmp_mib/consumer_status.hpp"

namespace snmp_mib {

struct MibDrive {
    agent::core::DriveView view;
    std::string vendor;
    std::string product;
    std::optional<std::uint16_t> element_address;
};

struct MibAgent {
    agent::core::AgentView view;
    std::string address;
};

// `index` rises by one for each event and never repeats while the state lives (tlrEventIndex).
struct MibEvent {
    std::uint32_t index = 0;
    agent::core::EventRecord record;
};

struct MibScalars {
    std::string controller;
    std::string version;
    agent::core::WallTime started_at;  // the discontinuity time of every counter
    std::uint64_t epoch = 0;
    std::uint64_t reservation_changes = 0;
    std::uint64_t notices_sent = 0;
    std::uint64_t confirmations_received = 0;
    std::uint64_t handshakes_incomplete = 0;
    std::uint64_t drives_forced_offline = 0;
    std::uint64_t messages_refused = 0;  // by the SNMP channel, all causes
    std::uint64_t notifications_sent = 0;
    std::uint64_t drive_changes_by_snmp = 0;
};

// A node of the pair that the controller is one of, or a voting agent.
struct MibPairMember {
    std::string name;
    bool voter = false;
    bool heard = false;
    agent::core::WallTime last_heard;
    std::int32_t state = 1;  // TlrNodeState
    std::uint64_t epoch = 0;
    bool registered = true;
    std::string vote;
};

struct MibPair {
    std::string name;        // empty: the controller serves its library by itself
    std::int32_t state = 1;  // TlrNodeState
    std::uint64_t epoch = 0;
    bool acts = true;
    bool peer_heard = false;
    std::int32_t copy = 1;  // TlrCopyState
    std::uint64_t lag = 0;  // bytes of log
    std::vector<MibPairMember> members;
};

struct MibSnapshot {
    MibScalars scalars;
    std::vector<MibDrive> drives;
    std::vector<MibAgent> agents;
    std::vector<agent::core::HandshakeView> handshakes;
    std::vector<agent::core::Alarm> alarms;
    std::vector<ConsumerStatus> consumers;
    MibPair pair;
    std::vector<MibEvent> events;  // the newest ones, at most mib_events_max are served
};

inline constexpr std::size_t mib_events_max = 1'000;

}  // namespace snmp_mib
