#pragma once

// A path that leads to one drive or nowhere: before anything else is sent, and again after each
// error, the device has to answer with the serial number that is meant. Nodes are numbered anew
// when devices come and go; this is what keeps a command from reaching the wrong drive.

#include <functional>
#include <memory>
#include <string>

#include "agent/core/reservation.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/discovery/path_asker.hpp"
#include "drive_iface/discovery/path_finder.hpp"

namespace drive_iface::discovery {

struct SerialBoundOptions {
    agent::core::DriveSerial serial;
    // Where to look first; of kind sg a hint that may be empty, of kind iscsi the only path.
    DevicePath path;
    // Called on the thread that executes, when the drive was found at another node than before.
    std::function<void(const std::string& before, const std::string& now)> moved{};
};

// `finder` may be null: then no other path is looked for. Nothing is opened yet. While no path
// leads to the drive every call asks again, as often as the finder allows.
[[nodiscard]] std::unique_ptr<Transport> make_serial_bound_transport(
    SerialBoundOptions options, PathAsker::Open open, std::shared_ptr<PathFinder> finder);

}  // namespace drive_iface::discovery
