#pragma once

// How a drive is taken offline for everyone, and given back.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/drive_poller.hpp"

namespace asio {
class io_context;
}

namespace drive_iface {

class OfflineActuator {
  public:
    using Done = std::function<void(agent::core::Outcome)>;

    virtual ~OfflineActuator() = default;

    // Both may be repeated at any time and then succeed again. `done` is called once, from the
    // event loop, never before the function returns; never after the actuator is destroyed. Errors,
    // in words, mean: the drive may be in either state.
    virtual void force(const agent::core::DriveSerial& drive, const std::string& reason,
                       Done done) = 0;
    virtual void lift(const agent::core::DriveSerial& drive, Done done) = 0;
};

namespace events {
class DriveEventServer;
}

// The drive reports 04h/44h/00h by itself; it is told on the drive event channel. Borrows `server`.
[[nodiscard]] std::unique_ptr<OfflineActuator> make_drive_actuator(
    events::DriveEventServer& server);

// A program of the site. Its arguments are given as they are, no shell looks at them; "{serial}",
// "{action}" (offline, online) and "{reason}" within them are replaced. Exit code 0 within
// `timeout` is success; after that its whole process group is killed. At most 32 run at a time,
// more wait. Errors: argv is empty.
[[nodiscard]] agent::core::Result<std::unique_ptr<OfflineActuator>> make_command_actuator(
    asio::io_context& loop, std::vector<std::string> argv, agent::core::Duration timeout);

// Nothing is done to the drive and force() always fails: the drive is unprotected and people are
// told.
[[nodiscard]] std::unique_ptr<OfflineActuator> make_alarm_actuator(asio::io_context& loop);

// An exclusive persistent reservation of the controller keeps the hosts out (fence.hpp). For one
// drive, whatever its name: `run` leads to it.
struct FenceActuatorOptions {
    std::uint64_t key = 0;              // fence_key() of the controller
    std::function<void(DriveJob)> run;  // DriveWatch::run() of the drive
    // An order is answered with an error after so long; a drive that answers later is dealt with
    // all the same.
    agent::core::Duration patience{20'000};
    std::function<void(const std::string&)> note;  // what was done, in words; may be empty
};
[[nodiscard]] std::unique_ptr<OfflineActuator> make_fence_actuator(asio::io_context& loop,
                                                                   FenceActuatorOptions options);

}  // namespace drive_iface
