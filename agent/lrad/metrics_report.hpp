#pragma once

#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/lrad/refusal_watch.hpp"
#include "drive_iface/device/drive_watch.hpp"
#include "snmp_mib/mib_snapshot.hpp"
#include "snmp_mib/snmp_counters.hpp"

namespace agent::lrad {

struct DriveLooks {
    core::DriveSerial drive;
    drive_iface::DriveWatch::Counters counters;
};

// What GET /metrics answers, but for the process's own figures (docs/METRICS.md). The snapshot's
// events are not looked at.
[[nodiscard]] std::string controller_metrics(const snmp_mib::MibSnapshot& snapshot,
                                             const std::vector<DriveLooks>& looks,
                                             const snmp_mib::SnmpCounters& messages,
                                             const Refusals& refusals);

}  // namespace agent::lrad
