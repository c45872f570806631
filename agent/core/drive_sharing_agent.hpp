#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"

namespace agent::core {

// What a drive sharing agent knows about its host.
struct HostConfiguration {
    AgentName agent;
    DomainName domain;  // the host's application domain; empty: only its own ports are "mine"
    std::vector<DriveSerial> drives;          // drives this host's application can use
    std::vector<InitiatorPort> ports;         // all ports of this host
    std::vector<ControllerName> controllers;  // whose notices are listened to
    bool observe_only = true;                 // watch and say, never touch the application
    Duration presence_interval{
        60'000};  // "started" is said again this often, so a controller that forgot us hears it
    Duration presence_retry{2'000};  // until it is acknowledged
    Duration stop_timeout{5'000};    // how long "stopping" may stay unacknowledged
};

struct HostDriveView {
    DriveSerial drive;
    std::optional<Notice> newest;  // newest notice since this process started
    std::optional<LedgerEntry> ledger;
    std::optional<ConfirmationResult> result;  // of the newest notice
    ApplicationDriveState application_state = ApplicationDriveState::unknown;  // as last read back
    bool busy = false;       // a command of the application is running for it
    bool overtaken = false;  // it runs for a notice that is no longer the newest
};

// A drive sharing agent's rules: "my drive? my port?", what to do in the application, what to
// confirm. Deterministic, no clock, no thread, no I/O; not thread-safe.
class DriveSharingAgent {
  public:
    // `incarnation` has been raised on disk before this call.
    DriveSharingAgent(HostConfiguration configuration, DriveSharingAgentState state,
                      std::uint64_t incarnation);
    ~DriveSharingAgent();
    DriveSharingAgent(DriveSharingAgent&&) noexcept;
    DriveSharingAgent& operator=(DriveSharingAgent&&) noexcept;

    // To be run once before the first step: says "started" to every controller and looks after
    // unfinished ledger entries.
    [[nodiscard]] DriveSharingAgentEffects start(Now now);

    [[nodiscard]] DriveSharingAgentEffects step(const DriveSharingAgentInput& input, Now now);
    [[nodiscard]] std::optional<Instant> next_wakeup() const;
    [[nodiscard]] DriveSharingAgentEffects reconfigure(HostConfiguration configuration, Now now);

    [[nodiscard]] std::vector<HostDriveView> drives() const;

  private:
    class Rules;
    std::unique_ptr<Rules> rules_;
};

}  // namespace agent::core
