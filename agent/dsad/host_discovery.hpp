#pragma once

// What dsad.json leaves to discovery, filled in with what the host has.
//
// While dsad runs, what was found once is kept: a port that is away for a moment (a driver that is
// loaded again, a session that is set up anew) is still this host's, and to forget it would set a
// drive offline in the very application that holds it. A reload of the configuration begins anew.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/host/host_devices.hpp"
#include "agent/runtime/dsad_configuration.hpp"

namespace asio {
class io_context;
}

namespace agent::dsad {

// This host, as look_at_host(). Where drives are left to discovery, those that hide their serial
// number are asked by INQUIRY, which blocks.
[[nodiscard]] host::HostDevices look_at_this_host(bool discover_drives);

// Adds to `configuration` what it leaves to discovery and does not have yet, and says what that
// was, a line for each. Error when all ports are left to discovery and there is none: every holder
// of a drive would then be taken for a foreign one.
[[nodiscard]] core::Result<std::vector<std::string>> complete(
    runtime::DsadConfiguration& configuration, const host::HostDevices& found);

// Looks at the host again and again, from a thread of its own.
class HostDiscovery {
  public:
    using Found = std::function<void(const host::HostDevices&)>;

    // `found` is called on `loop`, never after this object is destroyed.
    HostDiscovery(asio::io_context& loop, core::Duration interval, bool discover_drives,
                  Found found);
    ~HostDiscovery();
    HostDiscovery(const HostDiscovery&) = delete;
    HostDiscovery& operator=(const HostDiscovery&) = delete;

  private:
    class State;
    std::shared_ptr<State> state_;  // shared with a thread that a hung drive may keep
};

}  // namespace agent::dsad
