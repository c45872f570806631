#pragma once

// Whoever may not act sends nothing: asked anew before each command, since a controller that was
// suspended between two commands, or whose move stood in line behind a long one, may have been
// replaced meanwhile.

#include <cstdint>
#include <functional>

#include "agent/pair/acting_right.hpp"
#include "drive_iface/device/drive_poller.hpp"
#include "drive_iface/device/transport.hpp"

namespace agent::mounts {

// What this controller may do at this moment. From any thread, and at once.
using ActingDoor = std::function<pair::ActingRight()>;

class RightfulTransport final : public drive_iface::Transport {
  public:
    // Borrows both. `epoch`: of the right under which the work was ordered; under another one it is
    // somebody else's work by now, and its reservation key a dead one.
    RightfulTransport(drive_iface::Transport& device, const ActingDoor& acting, std::uint64_t epoch)
        : device_(device), acting_(acting), epoch_(epoch) {}

    [[nodiscard]] core::Result<drive_iface::ScsiReply> execute(
        const drive_iface::ScsiCommand& command, core::Duration timeout) override;
    [[nodiscard]] core::Outcome reset_logical_unit(core::Duration timeout) override;
    [[nodiscard]] std::optional<drive_iface::OtherDrive> other_drive() const override {
        return device_.other_drive();
    }

    // Some command was not sent for want of the right.
    [[nodiscard]] bool kept_back() const { return kept_back_; }

  private:
    [[nodiscard]] bool may_send_now();

    drive_iface::Transport& device_;
    const ActingDoor& acting_;
    std::uint64_t epoch_;
    bool kept_back_ = false;
};

// The same job under the right that there is now: asked before each of its commands.
[[nodiscard]] drive_iface::DriveJob under_right(drive_iface::DriveJob job, ActingDoor acting);

}  // namespace agent::mounts
