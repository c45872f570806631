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

// The same without a command to any drive, for the event loop: a drive whose serial number the
// kernel does not show is taken for the one that was found at its node before.
[[nodiscard]] host::HostDevices glance_at_this_host(const host::HostDevices& before);

// Adds to `configuration` what it leaves to discovery and does not have yet, and says what that
// was, a line for each.
std::vector<std::string> complete(runtime::DsadConfiguration& configuration,
                                  const host::HostDevices& found);

// Looks at the host again and again, from a thread of its own.
class HostDiscovery {
  public:
    using Found = std::function<void(const host::HostDevices&)>;

    // The first look is at once. `found` is called on `loop`, never after this object is destroyed.
    HostDiscovery(asio::io_context& loop, core::Duration interval, bool discover_drives,
                  Found found);
    ~HostDiscovery();
    HostDiscovery(const HostDiscovery&) = delete;
    HostDiscovery& operator=(const HostDiscovery&) = delete;

    // Now instead of when it is time; after a look that is under way, once more.
    void look_now();

  private:
    class State;
    std::shared_ptr<State> state_;  // shared with a thread that a hung drive may keep
};

}  // namespace agent::dsad
