#pragma once

// What a daemon tells the service manager that started it, in the protocol of sd_notify(3): lines
// "NAME=VALUE" in one datagram to the socket that NOTIFY_SOCKET names. Spoken here, since systemd's
// library brings four others along, which take a megabyte.

#include <chrono>
#include <optional>
#include <string>

namespace agent::runtime {

// Nothing happens without a service manager, and when it does not listen. Blocks while it has more
// messages unread than its socket holds, as sd_notify() does: READY=1 must not be lost.
void tell_service_manager(const std::string& lines);

// Within how long it wants to hear WATCHDOG=1, each time; nothing when it does not
// (sd_watchdog_enabled(3)).
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_limit();

}  // namespace agent::runtime
