#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "agent/core/drive_sharing_agent.hpp"
#include "agent/core/step_effects.hpp"

namespace agent::core {

// Says "started" to every controller until its engine acknowledges, then now and then; and
// "stopping" at the end. Rules: test/unit/core/presence_test.cpp; scenarios agent_starts.txt,
// agent_stops.txt.
class Presence {
  public:
    explicit Presence(std::uint64_t incarnation) : incarnation_(incarnation) {}

    // Controllers that are new are spoken to at once, those that are gone no more.
    void set_controllers(const HostConfiguration& host, Now now,
                         StepEffects<DriveSharingAgentEffect>& effects);
    // Says "started" to all of them as a later life. Nothing while stopping.
    void begin_life(std::uint64_t incarnation, const HostConfiguration& host, Now now,
                    StepEffects<DriveSharingAgentEffect>& effects);
    void acknowledged(const PresenceAcknowledged& acknowledgement, const HostConfiguration& host,
                      Now now, StepEffects<DriveSharingAgentEffect>& effects);
    // The second time: at once.
    void stop(const HostConfiguration& host, Now now,
              StepEffects<DriveSharingAgentEffect>& effects);
    void time_passed(const HostConfiguration& host, Now now,
                     StepEffects<DriveSharingAgentEffect>& effects);

    [[nodiscard]] bool stopping() const { return stop_at_.has_value() || stopped_; }
    [[nodiscard]] std::optional<Instant> next_wakeup() const;

  private:
    void say(const ControllerName& controller, const HostConfiguration& host, Now now,
             StepEffects<DriveSharingAgentEffect>& effects);
    void stop_now(StepEffects<DriveSharingAgentEffect>& effects);

    std::uint64_t incarnation_;
    std::map<ControllerName, Instant>
        say_again_at_;                // while stopping: only who has not acknowledged
    std::optional<Instant> stop_at_;  // set while stopping
    bool stopped_ = false;
};

}  // namespace agent::core
