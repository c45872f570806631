#pragma once

// Notifications of TAPE-LIBRARY-RESERVATION-MIB as lists of variable bindings, and back. Pure: no
// SNMP library here, the same functions run in the daemon, in the simulator and in the fuzzer.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/result.hpp"
#include "snmp_mib/notice_channel.hpp"
#include "snmp_mib/varbind.hpp"

namespace snmp_mib {

// Limits of the MIB module. Longer texts are refused when decoding; when encoding, names must fit
// (configuration checks that) and prose is cut at a character boundary.
inline constexpr std::size_t name_length_max = 64;  // controller, agent, domain
inline constexpr std::size_t serial_length_max = 64;
inline constexpr std::size_t detail_length_max = 200;
inline constexpr std::size_t alarm_text_length_max = 255;
inline constexpr std::size_t holders_length_max = 2'048;
inline constexpr std::size_t holders_max =
    64;  // "holders" of an all-registrants reservation are cut here

// sysUpTime.0 and snmpTrapOID.0 (RFC 3416 4.2.6) followed by the objects of the notification.
[[nodiscard]] std::vector<Varbind> encode(const AgentMessage& message, TimeTicks up_time);

// Strict: exactly the objects of one known notification, once each, in order, each of its type,
// length and value. Errors name the object.
[[nodiscard]] agent::core::Result<AgentMessage> decode(std::span<const Varbind> varbinds);

// An alarm's raise or clear, as sent to SNMP consumers.
struct AlarmNotification {
    std::string controller;
    std::uint32_t sequence =
        0;  // of notifications to consumers since the controller started, for finding gaps
    bool active = true;
    agent::core::Alarm alarm;
    bool operator==(const AlarmNotification&) const = default;
};
struct TestNotification {
    std::string controller;
    std::uint32_t sequence = 0;
    std::string text;
    bool operator==(const TestNotification&) const = default;
};
// "I am here": tells of lost notifications by its sequence, and of a lost controller by its
// absence.
struct HeartbeatNotification {
    std::string controller;
    std::uint32_t sequence = 0;
    std::uint32_t active_alarms = 0;
    std::uint32_t interval_s = 0;  // until the next one
    std::string text;
    bool operator==(const HeartbeatNotification&) const = default;
};
[[nodiscard]] std::vector<Varbind> encode(const AlarmNotification& notification, TimeTicks up_time);
[[nodiscard]] std::vector<Varbind> encode(const TestNotification& notification, TimeTicks up_time);
[[nodiscard]] agent::core::Result<AlarmNotification> decode_alarm(
    std::span<const Varbind> varbinds);
[[nodiscard]] agent::core::Result<TestNotification> decode_test(std::span<const Varbind> varbinds);
[[nodiscard]] std::vector<Varbind> encode(const HeartbeatNotification& notification,
                                          TimeTicks up_time);
[[nodiscard]] agent::core::Result<HeartbeatNotification> decode_heartbeat(
    std::span<const Varbind> varbinds);

// A controller is something else in its pair from now on. `state` as TlrNodeState has it.
inline constexpr std::int32_t pair_state_wire_max = 12;
struct RoleNotification {
    std::string controller;
    std::uint32_t sequence = 0;
    std::int32_t state = 1;
    std::uint64_t epoch = 0;
    std::string text;
    bool operator==(const RoleNotification&) const = default;
};
[[nodiscard]] std::vector<Varbind> encode(const RoleNotification& notification, TimeTicks up_time);
[[nodiscard]] agent::core::Result<RoleNotification> decode_role(std::span<const Varbind> varbinds);

}  // namespace snmp_mib
