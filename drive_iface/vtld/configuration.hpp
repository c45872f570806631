#pragma once

// vtld.json: the schema, and what it says as plain values.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/time.hpp"
#include "agent/runtime/channel_tls_configuration.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/metrics_configuration.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/vtld/cartridge_configuration.hpp"
#include "drive_iface/vtld/iscsi_configuration.hpp"
#include "drive_iface/vtld/rmt_configuration.hpp"
#include "drive_iface/vtld/snapshot_configuration.hpp"
#include "drive_iface/vtld/web_configuration.hpp"

namespace drive_iface::vtld {

struct VtldConfiguration {
    virtual_library::LibraryDescription library;
    IscsiConfiguration iscsi;
    CartridgeConfiguration cartridges;
    RmtConfiguration rmt;
    cartridge::Placement session_placement = cartridge::Placement::mirror;
    SnapshotConfiguration snapshots;
    WebConfiguration web;
    std::vector<std::string> events_connect;  // empty: nobody is told
    std::optional<agent::runtime::ChannelTlsConfiguration> events_tls;
    std::string control_socket;
    agent::runtime::MetricsConfiguration metrics;
    std::string lrad_socket;  // empty: lrad is not asked what it knows
    std::string state_dir;
    std::map<std::string, agent::core::InitiatorPort> virtual_ports;
};

[[nodiscard]] const agent::runtime::ConfigurationSchema& vtld_configuration_schema();
[[nodiscard]] agent::runtime::Configured<VtldConfiguration> read_vtld_configuration(
    const std::string& file);
[[nodiscard]] agent::runtime::Configured<VtldConfiguration> vtld_configuration(
    const agent::runtime::Configuration& configuration);

// What can not change while the daemon runs, as the names of the keys that differ; empty: nothing.
[[nodiscard]] std::string needs_restart(const VtldConfiguration& running,
                                        const VtldConfiguration& wanted);

}  // namespace drive_iface::vtld
