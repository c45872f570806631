#pragma once

// lrad.json: the schema, and what it says as plain values.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation_agent.hpp"
#include "agent/runtime/address_text.hpp"
#include "agent/runtime/agentless_configuration.hpp"
#include "agent/runtime/channel_tls_configuration.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/iscsi_chap.hpp"
#include "agent/runtime/metrics_configuration.hpp"
#include "agent/runtime/mounts_configuration.hpp"
#include "agent/runtime/pair_configuration.hpp"
#include "agent/runtime/snmp_configuration.hpp"

namespace agent::runtime {

// How the controller talks to a drive.
struct DriveInterface {
    enum class Type : std::uint8_t { sg, iscsi };
    Type type = Type::sg;
    std::string device;          // sg: "/dev/sg3", where to look first; may be empty
    std::string url;             // iscsi: "iscsi://192.0.2.1:3260/TARGET/LUN"
    std::string initiator_name;  // iscsi: the name this controller logs in with
    std::optional<IscsiChap> chap;
    bool operator==(const DriveInterface&) const = default;
};

// An iSCSI portal that is asked whenever drives are looked for.
struct DiscoveryPortal {
    std::string portal;  // HOST or HOST:PORT
    std::optional<IscsiChap> chap;
    bool operator==(const DiscoveryPortal&) const = default;
};

enum class OfflineActuator : std::uint8_t {
    drive,    // the drive itself is told to report the permanent error
    fence,    // an exclusive persistent reservation of the controller keeps the others out
    command,  // a program of the site does it
    alarm,    // nothing is done to the drive; people are told
};

// Whose a reservation key is.
struct ReservationKeyOwner {
    std::uint64_t key = 0;
    std::vector<core::InitiatorPort> ports;
    bool operator==(const ReservationKeyOwner&) const = default;
};

struct LradDrive {
    core::DriveSerial serial;
    bool shared = true;
    std::optional<std::uint32_t> element_address;
    std::optional<DriveInterface> interface;  // none: the drive is known by its events alone
    bool events = true;                       // does the drive send events?
    core::Duration poll{1'000};               // how often it is asked; only with an interface
    core::Duration poll_fast{0};              // after a change; 0: made from poll
    core::Duration poll_busy{0};              // while it moves tape; 0: made from poll
    bool conflict_list = true;                // may log page 11h be asked for who is in the way?
    std::vector<ReservationKeyOwner> keys;    // the same for every drive
    OfflineActuator actuator = OfflineActuator::drive;
    std::vector<std::string>
        actuator_argv;  // command only; {serial} and {action} (offline, online) are filled in
    bool operator==(const LradDrive&) const = default;
};

struct LradAgent {
    core::AgentName name;
    AddressText address;  // udp
    core::DomainName domain;
    std::string user;  // security name: its own, and the one notices to it are sent with
    // Of a host that has no agent: lrad plays it, and there is neither address nor user.
    std::shared_ptr<const AgentlessConfiguration> agentless;
};

struct LradConfiguration {
    core::SharingConfiguration
        sharing;  // controller, drives, agents, domains, handshake and reservation rules
    std::string state_dir;
    std::string control_socket;
    std::optional<AddressText> events_listen;
    std::optional<ChannelTlsConfiguration> events_tls;
    std::size_t event_log_max = 100'000;
    std::vector<ReservationKeyOwner> keys;
    std::vector<LradDrive> drives;  // in the order of sharing.drives
    std::vector<DiscoveryPortal> discovery_portals;
    std::vector<LradAgent> agents;  // in the order of sharing.agents
    SnmpConfiguration snmp;
    MetricsConfiguration metrics;
    std::optional<MountsConfiguration> mounts;
    std::optional<NodePairConfiguration> pair;
};

[[nodiscard]] const ConfigurationSchema& lrad_configuration_schema();
[[nodiscard]] Configured<LradConfiguration> read_lrad_configuration(const std::string& file);
[[nodiscard]] Configured<LradConfiguration> lrad_configuration(const Configuration& configuration);

}  // namespace agent::runtime
