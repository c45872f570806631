#include "agent/core/presence.hpp"

#include <algorithm>

namespace agent::core {

using Effects = StepEffects<DriveSharingAgentEffect>;

void Presence::set_controllers(const HostConfiguration& host, Now now, Effects& effects) {
    std::erase_if(say_again_at_, [&host](const auto& entry) {
        return std::find(host.controllers.begin(), host.controllers.end(), entry.first) ==
               host.controllers.end();
    });
    if (stopping()) return;
    for (const auto& controller : host.controllers) {
        if (!say_again_at_.contains(controller)) say(controller, host, now, effects);
    }
}

void Presence::begin_life(std::uint64_t incarnation, const HostConfiguration& host, Now now,
                          Effects& effects) {
    if (stopping() || incarnation <= incarnation_) return;
    incarnation_ = incarnation;
    for (const auto& controller : host.controllers) {
        say(controller, host, now, effects);
    }
}

void Presence::say(const ControllerName& controller, const HostConfiguration& host, Now now,
                   Effects& effects) {
    const AgentPresence presence{controller, host.agent, incarnation_};
    if (stopping()) {
        effects.act(SendStopping{presence});
    } else {
        effects.act(SendStarted{presence});
    }
    say_again_at_[controller] = now.monotonic + std::max(host.presence_retry, Duration{1});
}

void Presence::acknowledged(const PresenceAcknowledged& acknowledgement,
                            const HostConfiguration& host, Now now, Effects& effects) {
    const auto known = say_again_at_.find(acknowledgement.controller);
    if (known == say_again_at_.end() || stopped_ || acknowledgement.stopping != stopping()) return;
    if (!stopping()) {
        known->second = now.monotonic + std::max(host.presence_interval, Duration{1});
        return;
    }
    say_again_at_.erase(known);
    if (say_again_at_.empty()) stop_now(effects);
}

void Presence::stop(const HostConfiguration& host, Now now, Effects& effects) {
    if (stopped_) return;
    if (stopping() || host.controllers.empty()) {
        stop_now(effects);
        return;
    }
    stop_at_ = now.monotonic + std::max(host.stop_timeout, Duration{1});
    for (const auto& controller : host.controllers) {
        say(controller, host, now, effects);
    }
}

void Presence::stop_now(Effects& effects) {
    effects.act(StopNow{});
    stopped_ = true;
    stop_at_.reset();
    say_again_at_.clear();
}

void Presence::time_passed(const HostConfiguration& host, Now now, Effects& effects) {
    if (stop_at_ && *stop_at_ <= now.monotonic) {
        stop_now(effects);
        return;
    }
    for (const auto& controller : host.controllers) {
        const auto due = say_again_at_.find(controller);
        if (due != say_again_at_.end() && due->second <= now.monotonic) {
            say(controller, host, now, effects);
        }
    }
}

std::optional<Instant> Presence::next_wakeup() const {
    std::optional<Instant> earliest = stop_at_;
    for (const auto& [controller, at] : say_again_at_) {
        if (!earliest || at < *earliest) earliest = at;
    }
    return earliest;
}

}  // namespace agent::core
