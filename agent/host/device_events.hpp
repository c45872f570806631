#pragma once

// The kernel's own news of devices that come, go or change (kobject uevents over netlink): a hint
// to look at the host again, never more than that.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace asio {
class io_context;
}

namespace agent::host {

struct DeviceEvent {
    std::string action;     // "add", "remove", "change" ...
    std::string path;       // below /sys: "/devices/.../scsi_tape/nst0"
    std::string subsystem;  // "scsi_tape"
    bool operator==(const DeviceEvent&) const = default;
};

// One message of the kernel: "ACTION@PATH", then KEY=VALUE texts, a NUL after each. Nothing when it
// is none, as the messages are that udev sends to its own listeners.
[[nodiscard]] std::optional<DeviceEvent> device_event_from(std::string_view message);

// A tape drive, an sg node, a port towards drives, or a session with a target.
[[nodiscard]] bool concerns_drives_or_ports(const DeviceEvent& event);

// An open socket of theirs. One thread: the loop's.
class DeviceEvents {
  public:
    struct Pauses {
        core::Duration quiet{300};      // nothing new for so long, then `changed` is called
        core::Duration at_most{3'000};  // after the first one, however many follow
    };

    // Error where the kernel lets nobody listen. `changed` is called on `loop`, never after this
    // object is destroyed.
    [[nodiscard]] static core::Result<std::unique_ptr<DeviceEvents>> listen(
        asio::io_context& loop, std::function<void()> changed);
    // `socket`: of datagrams, taken over.
    DeviceEvents(asio::io_context& loop, int socket, Pauses pauses, std::function<void()> changed);
    ~DeviceEvents();
    DeviceEvents(const DeviceEvents&) = delete;
    DeviceEvents& operator=(const DeviceEvents&) = delete;

  private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace agent::host
