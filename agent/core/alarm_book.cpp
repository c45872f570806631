#include "agent/core/alarm_book.hpp"

namespace agent::core {

AlarmBook::AlarmBook(const std::vector<Alarm>& active) {
    for (const auto& alarm : active) {
        active_.emplace(alarm.key, alarm);
    }
}

void AlarmBook::raise(Alarm alarm, StepEffects<ReservationAgentEffect>& effects) {
    const auto [place, fresh] = active_.emplace(alarm.key, alarm);
    if (!fresh) return;
    effects.record(RecordAlarm{alarm, true});
    effects.act(AnnounceAlarm{std::move(alarm), true});
}

void AlarmBook::reword(const AlarmKey& key, std::string text,
                       StepEffects<ReservationAgentEffect>& effects) {
    const auto known = active_.find(key);
    if (known == active_.end() || known->second.text == text) return;
    known->second.text = std::move(text);
    effects.record(RecordAlarm{known->second, true});
}

bool AlarmBook::clear(const AlarmKey& key, StepEffects<ReservationAgentEffect>& effects) {
    const auto known = active_.find(key);
    if (known == active_.end()) return false;
    effects.record(RecordAlarm{known->second, false});
    effects.act(AnnounceAlarm{std::move(known->second), false});
    active_.erase(known);
    return true;
}

const Alarm* AlarmBook::find(const AlarmKey& key) const {
    const auto known = active_.find(key);
    return known == active_.end() ? nullptr : &known->second;
}

std::vector<Alarm> AlarmBook::active() const {
    std::vector<Alarm> alarms;
    alarms.reserve(active_.size());
    for (const auto& [key, alarm] : active_) {
        alarms.push_back(alarm);
    }
    return alarms;
}

}  // namespace agent::core
