#pragma once

// The simulated process of a library reservation agent: real rules, a disk, and an end between any
// two effects.

#include <functional>
#include <optional>

#include "agent/core/agent_roster.hpp"
#include "agent/core/reservation_agent.hpp"
#include "test/sim/disk.hpp"
#include "test/sim/network.hpp"
#include "test/sim/oracle.hpp"
#include "test/sim/tape_drives.hpp"
#include "test/sim/trace.hpp"

namespace sim {

class ControllerNode {
  public:
    ControllerNode(const Plan& plan, Bug bug, Timeline& timeline, Random& random, Trace& trace,
                   Oracle& oracle, Network& network, TapeDrives& drives);

    void start();
    void input(const agent::core::ReservationAgentInput& input);
    void crash();
    void crashes_no_more() { may_crash_ = false; }
    // Called when its process has ended, with the time until the next one begins.
    void takes_along(std::function<void(std::int64_t down_ms)> others) {
        others_ = std::move(others);
    }

    [[nodiscard]] bool up() const { return rules_.has_value(); }
    // Only while up().
    [[nodiscard]] const agent::core::ReservationAgent& rules() const { return *rules_; }

  private:
    void take_over();
    [[nodiscard]] std::vector<agent::core::DriveSerial> drives_to_be_seen() const;
    bool receive(const PeerName& from, const Message& message);
    void received(const agent::core::SendNotice& sent);
    [[nodiscard]] agent::core::ReservationAgentInput miswired(
        const agent::core::ReservationAgentInput& input) const;
    void run(const agent::core::ReservationAgentEffects& effects);
    bool run_records(const agent::core::ReservationAgentEffects& effects);
    bool run_others(const agent::core::ReservationAgentEffects& effects);
    bool crash_strikes();
    void carry_out(const agent::core::ReservationAgentEffect& effect);
    void sleep_until_next_wakeup();
    [[nodiscard]] agent::core::Now now() const;

    const Plan& plan_;
    Bug bug_;
    Timeline& timeline_;
    Random& random_;
    Trace& trace_;
    Oracle& oracle_;
    Network& network_;
    TapeDrives& drives_;
    ControllerDisk disk_;
    agent::core::AgentRoster rows_;  // of agents, in the database of the pair
    std::optional<agent::core::ReservationAgent> rules_;
    std::uint64_t life_ = 0;
    std::optional<agent::core::Instant> wakeup_;
    bool may_crash_ = true;
    std::function<void(std::int64_t)> others_;  // that live in its process
    std::map<std::pair<agent::core::DriveSerial, agent::core::AgentName>, agent::core::NoticeId>
        sent_;
    std::map<agent::core::DriveSerial, agent::core::NoticeId> asked_;  // planted bug
};

}  // namespace sim
