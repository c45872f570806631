#pragma once

// Asks many devices at the same time, and waits for none of them longer than allowed: a command to
// a hung device can not be interrupted, so its thread is left behind with all it needs.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"

namespace drive_iface::discovery {

// One way to a device.
struct DevicePath {
    enum class Kind : std::uint8_t { sg, iscsi };
    Kind kind = Kind::sg;
    std::string name;          // "/dev/sg3", or "iscsi://192.0.2.7:3260/TARGET/LUN"
    std::string scsi_address;  // sg only, may be empty: "3:0:0:1"
    bool operator==(const DevicePath&) const = default;
};

struct AskingLimits {
    std::size_t at_once = 16;           // devices asked at the same time
    agent::core::Duration each{5'000};  // for one device
    agent::core::Duration total{
        8'000};  // for all; devices that have not begun by then are not asked
};

// Any thread; asks of several threads do not wait for each other.
class PathAsker {
  public:
    using Open = std::function<agent::core::Result<std::unique_ptr<Transport>>(const DevicePath&)>;
    // Runs on a thread of its own and may outlive the ask: it owns what it touches. `path` is the
    // number of the path.
    using Question = std::function<agent::core::Outcome(Transport& device, std::size_t path)>;

    explicit PathAsker(Open open);

    // The outcomes in the order of `paths`. Errors: the path can not be opened, the question's own,
    // no answer in time, or a thread of an earlier ask still hangs on that path (it is left alone
    // then, so that no more than one thread a path can ever hang).
    [[nodiscard]] std::vector<agent::core::Outcome> ask(const std::vector<DevicePath>& paths,
                                                        const Question& question,
                                                        const AskingLimits& limits);

  private:
    struct Busy;
    Open open_;
    std::shared_ptr<Busy> busy_;  // shared with threads that were left behind
};

}  // namespace drive_iface::discovery
