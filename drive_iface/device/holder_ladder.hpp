#pragma once

// The rungs that lie between what a look tells and what the hosts can say, in their order, for one
// drive. Remembers what the drive has answered, so that it is not asked at every look.

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "agent/core/reservation_agent_io.hpp"
#include "drive_iface/device/holder_resolver.hpp"

namespace drive_iface {

class HolderLadder {
  public:
    // `again_after`: from one round of questions to the drive to the next about the same
    // reservation.
    HolderLadder(std::vector<std::unique_ptr<HolderResolver>> rungs,
                 std::optional<agent::core::InitiatorPort> own_port,
                 agent::core::Duration again_after = {30'000});

    // Is there anything to find out?
    [[nodiscard]] static bool needed_for(const agent::core::DriveObserved& observed);

    // Adds what the rungs without commands say, and what the drive said when it was last asked
    // about this reservation: the holders with their evidence, or a search. The loop's thread, as
    // everything but ask_drive().
    void complete(agent::core::DriveObserved& observed);

    // Should the drive be asked now? Marks it as being asked: ask_drive() and answered() follow.
    [[nodiscard]] bool begin_asking(const agent::core::DriveObserved& observed,
                                    const std::optional<DriveIdentity>& identity,
                                    agent::core::Instant now);
    // On the drive's thread. The error of the transport, if any.
    [[nodiscard]] agent::core::Outcome ask_drive(Transport& drive, agent::core::Duration timeout);
    void answered(agent::core::Instant now);
    [[nodiscard]] bool asking() const { return asking_.has_value(); }

    // The drive is free, or its holder is known.
    void forget();

  private:
    struct Round {
        HolderCase about;
        std::vector<HolderFinding> findings;  // of the rungs that ask the drive, in their order
        std::vector<std::string> names;
        agent::core::Instant at;
    };
    std::vector<std::unique_ptr<HolderResolver>> rungs_;
    std::optional<agent::core::InitiatorPort> own_port_;
    agent::core::Duration again_after_;
    std::optional<Round> answers_;
    std::mutex mutex_;  // guards asking_ while the drive's thread fills it
    std::optional<Round> asking_;
};

}  // namespace drive_iface
