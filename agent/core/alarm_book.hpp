#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation_agent_io.hpp"
#include "agent/core/step_effects.hpp"

namespace agent::core {

// Active alarms, one per key. Raising an alarm that is active says nothing twice; clearing one that
// is not, neither.
class AlarmBook {
  public:
    AlarmBook() = default;
    explicit AlarmBook(const std::vector<Alarm>& active);

    void raise(Alarm alarm, StepEffects<ReservationAgentEffect>& effects);
    // Other words for an alarm that goes on: kept, and told to nobody anew.
    void reword(const AlarmKey& key, std::string text,
                StepEffects<ReservationAgentEffect>& effects);
    // False: it was not active.
    bool clear(const AlarmKey& key, StepEffects<ReservationAgentEffect>& effects);

    [[nodiscard]] bool is_active(const AlarmKey& key) const { return active_.contains(key); }
    // Null: not active. Valid until the next change.
    [[nodiscard]] const Alarm* find(const AlarmKey& key) const;
    [[nodiscard]] std::vector<Alarm> active() const;

  private:
    std::map<AlarmKey, Alarm> active_;
};

}  // namespace agent::core
