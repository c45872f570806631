#pragma once

// The ways to the configured drives. Every one is bound to its drive's serial number: wherever it
// is used, it leads to that drive or nowhere (docs/DISCOVERY.md).

#include <map>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "drive_iface/device/transport.hpp"

namespace agent::lrad {

class DrivePaths {
  public:
    DrivePaths();
    ~DrivePaths();

    // Opens nothing yet. Null when the drive is known by its events alone. Errors: a device or URL
    // that can not be used.
    [[nodiscard]] core::Result<std::unique_ptr<drive_iface::Transport>> make_interface(
        const runtime::LradDrive& drive, const core::ControllerName& controller);

    // Drives that were found at another node than before, and where. Any thread.
    [[nodiscard]] std::map<core::DriveSerial, std::string> moved() const;

  private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the interfaces, which live on other threads
};

}  // namespace agent::lrad
