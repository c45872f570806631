#pragma once

// What a controller sees: every tape drive and changer behind this host's sg nodes and behind the
// iSCSI portals it is told, by serial number. Several paths to one serial number are one device.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/device/iscsi_credentials.hpp"
#include "drive_iface/discovery/device_survey.hpp"
#include "drive_iface/discovery/path_asker.hpp"

namespace drive_iface::discovery {

struct DiscoveryOptions {
    std::string sysfs = "/sys";
    std::vector<std::string> portals;  // HOST[:PORT] of iSCSI portals; at most portals_max
    // Is a kernel without sg nodes a problem, although portals are asked? Without any it always is.
    bool sg_nodes_expected = false;
    // To log in to them with: targets show themselves to the names they know.
    std::string initiator_name = "iqn.2026-01.invalid.lra:discover";
    std::uint32_t isid = 0;  // another than that of the sessions that watch drives
    std::uint16_t isid_qualifier = 0;
    // With which names and secrets to log in: asked for each portal and for the URL of each target.
    // Any thread; may be none.
    std::function<agent::core::Result<IscsiCredentials>(const std::string& url_or_portal)>
        credentials;
    AskingLimits limits;
};
inline constexpr std::size_t portals_max = 64;
inline constexpr std::size_t paths_max = 4'096;

struct DiscoveredPath {
    DevicePath path;
    std::string target_port;  // name of the device's port it leads to (VPD page 83h); may be empty
    bool operator==(const DiscoveredPath&) const = default;
};

struct DiscoveredDrive {
    DriveIdentity identity;
    std::string manufacturer_serial;
    std::vector<std::string> designators;  // "naa 5001438031bdc7db", of the logical unit
    std::vector<std::string> ports;        // names of all its target ports; empty: not told
    std::vector<DiscoveredPath> paths;     // one at least
    std::optional<std::uint16_t> element_address;
    std::string library_serial;  // of the library it is in; may be empty
    bool by_changer = false;     // the changer told the element address, else the drive itself
};

struct DiscoveredLibrary {
    struct Bay {
        std::uint16_t element_address = 0;
        std::string identifier;    // as the library says it; empty: it does not
        std::string drive_serial;  // of the discovered drive in it; empty: none of those found
    };
    DriveIdentity identity;
    std::vector<DiscoveredPath> paths;
    std::vector<Bay> bays;
};

struct Discovered {
    std::vector<DiscoveredDrive> drives;       // by serial number
    std::vector<DiscoveredLibrary> libraries;  // by serial number
    std::vector<std::string> problems;         // in words, each naming what it is about
    std::size_t paths_asked = 0;
};

// Blocks for limits.total at most for each of three steps: the portals' targets, their logical
// units, and all devices. Nothing is changed and nothing moves; see docs/DISCOVERY.md.
[[nodiscard]] Discovered discover(const DiscoveryOptions& options, PathAsker& asker);

// Opens both kinds of paths for real.
[[nodiscard]] PathAsker::Open path_opener(const DiscoveryOptions& options);

// The pure half of discover(): from what each path answered. `surveys` in the order of `paths`.
[[nodiscard]] Discovered put_together(
    const std::vector<DevicePath>& paths,
    const std::vector<agent::core::Result<DeviceSurvey>>& surveys);

}  // namespace drive_iface::discovery
