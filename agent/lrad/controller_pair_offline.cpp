// Drives that are forced offline, on both nodes of a pair.

#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

SharedRecordsDoors Controller::shared_records_doors() {
    SharedRecordsDoors doors;
    doors.remember = [this](const std::string& name, const std::string& text) {
        return store_.remember(name, text);
    };
    doors.recall = [this](const std::string& name) { return store_.recall(name); };
    doors.drives = [this] {
        std::vector<core::DriveRecord> drives;
        for (const auto& view : rules_.drives()) {
            if (drives_.contains(view.record.drive)) drives.push_back(view.record);
        }
        return drives;
    };
    doors.agents = [this] {
        std::vector<core::AgentName> agents;
        for (const auto& agent : configuration_.agents)
            agents.push_back(agent.name);
        return agents;
    };
    doors.obey = [this](const OfflineWish& wish) { obey(wish); };
    doors.recorded = [this](const core::DriveSerial& drive) {
        if (const auto order = orders_.release(drive)) carry_out_order(*order);
    };
    doors.heard_elsewhere = [this](const core::AgentRoster::News& news) { heard_elsewhere(news); };
    doors.retired = [this](const postgres::AgentRetirement& retirement) {
        retired_at_other_node(retirement);
    };
    doors.host_names = [this] { return text_of(names_of_hosts(configuration_)); };
    doors.host_names_seen = [this](const std::map<std::string, std::string>& rows) {
        compare_host_names(rows);
    };
    doors.note = [this](core::Message message, const std::vector<std::string>& words) {
        note_pair(message, words);
    };
    doors.broken = [this](const std::string& why) {
        if (std::exchange(failed_, true)) return;
        runtime::log_critical("the state can not be recorded: " + why);
        on_failure_(why);
    };
    return doors;
}

// Who only watches has nothing to send: the other node has done it, or whoever serves next will.
void Controller::obey(const OfflineWish& wish) {
    if (!drives_.contains(wish.drive)) return;
    const std::string actor =
        "controller " + (wish.forced ? wish.node : configuration_.pair->peer.name);
    // It is offline, and who serves does not bring it back in between.
    if (wish.again && is_active()) return;
    if (wish.again) {
        take(core::AdministratorCleared{wish.drive, actor, "cleared there in between"});
        take(core::OfflineLifted{wish.drive, std::nullopt});
    }
    if (wish.forced) {
        take(core::AdministratorForcedOffline{wish.drive, actor, wish.reason});
    } else {
        take(core::AdministratorCleared{wish.drive, actor, wish.reason});
    }
    if (is_active()) return;
    static_cast<void>(orders_.take(wish.drive));
    if (wish.forced) {
        take(core::OfflineForced{wish.drive, std::nullopt});
    } else {
        take(core::OfflineLifted{wish.drive, std::nullopt});
    }
}

// Consumers hear once of a drive that is forced offline, from the node that has done it.
bool Controller::is_announced_elsewhere(const core::AnnounceAlarm& effect) {
    if (!pair_) return false;
    const auto& key = effect.alarm.key;
    if (!effect.active) return pair_->mirrored.erase(key) != 0;
    if (pair_->active || key.kind != core::AlarmKind::drive_forced_offline) return false;
    pair_->mirrored.insert(key);
    return true;
}

// Once more by the node that takes over: the other one may have died before they heard it.
void Controller::announce_what_was_mirrored() {
    auto unheard = std::exchange(pair_->mirrored, {});
    unheard.merge(std::exchange(pair_->unheard, {}));
    for (const auto& alarm : rules_.active_alarms()) {
        if (unheard.contains(alarm.key)) channel_->announce(alarm, true);
    }
}

bool Controller::keep_for_serving(const core::Alarm& alarm) {
    if (!pair_) return false;
    pair_->unheard.insert(alarm.key);
    return true;
}

// Whether this node serves or not: an actuator may answer late.
void Controller::share_offline(const core::DriveRecord& drive) {
    if (!pair_ || !pair_->shared) return;
    const auto cleared = pair_->cleared_by.find(drive.drive);
    const bool known = cleared != pair_->cleared_by.end();
    pair_->shared->follow(drive, known ? cleared->second : "an administrator");
    if (known && drive.operational_state == core::OperationalState::online)
        pair_->cleared_by.erase(cleared);
}

void Controller::share_offline(const core::ReservationAgentEffects& effects) {
    if (!pair_ || !pair_->shared) return;
    for (const auto& effect : effects) {
        const auto* force = std::get_if<core::ForceDriveOffline>(&effect);
        if (force == nullptr) continue;
        pair_->shared->forced_anew(force->drive);
        if (const auto view = view_of(force->drive)) share_offline(view->record);
    }
    for (const auto& effect : effects) {
        if (const auto* record = std::get_if<core::RecordDrive>(&effect))
            share_offline(record->record);
    }
}

void Controller::cleared_by(const core::DriveSerial& drive, const std::string& actor,
                            const std::string& reason) {
    if (pair_) pair_->cleared_by[drive] = actor + ": " + reason;
}

// The other node is to know it before it is so, when its copy answers at once: whoever takes over
// in between would bring the drive back.
bool Controller::waits_for_record(const core::ForceDriveOffline& effect) {
    if (!pair_ || !pair_->shared || !pair_->active) return false;
    pair_->shared->forced_anew(effect.drive);
    if (const auto view = view_of(effect.drive)) share_offline(view->record);
    if (!pair_->shared->is_to_wait(effect.drive)) return false;
    orders_.keep_back(effect.drive, effect);
    return true;
}

}  // namespace agent::lrad
