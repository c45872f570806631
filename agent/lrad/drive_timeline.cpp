#include "agent/lrad/drive_timeline.hpp"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "agent/core/message_catalogue.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/state_json.hpp"

namespace agent::lrad {

using nlohmann::json;

namespace {

std::string holders_of(const core::Reservation& reservation) {
    if (reservation.holders.empty()) return "a port that is not known";
    std::string text;
    for (const auto& holder : reservation.holders) {
        if (!text.empty()) text += ", ";
        text += core::to_text(holder);
    }
    return text;
}

std::string reservation_words(const core::DriveView& drive) {
    const auto& reservation = drive.record.reservation;
    switch (reservation.state) {
        case core::ReservationState::free:
            return "it is not reserved";
        case core::ReservationState::unknown:
            return "its reservation is not known yet";
        case core::ReservationState::reserved:
            break;
    }
    std::string text = "it is reserved by " + holders_of(reservation);
    if (!drive.holder_domain.empty()) text += " (" + drive.holder_domain + ")";
    return text + " since " + runtime::to_text(drive.record.since);
}

std::string missing_words(const DriveStory& story) {
    std::string text;
    for (const auto& wait : story.missing) {
        text += text.empty() ? "waiting for " : ", ";
        text += wait.agent + " (" + std::to_string(wait.waiting.ms / 1000) + " s, asked " +
                std::to_string(wait.attempts) + (wait.attempts == 1 ? " time" : " times");
        if (!wait.last_answer.empty()) text += ", it says: " + wait.last_answer;
        text += ")";
    }
    return text;
}

std::string clear_command(const core::DriveView& drive) {
    return "`lractl drive clear " + drive.record.drive.text + " --reason TEXT`";
}

// Where the story that explains today begins: the last change of the reservation before the drive
// was taken offline, or simply the last one.
std::size_t beginning_of(const std::vector<runtime::StoredEvent>& events, bool online) {
    const auto is = [](const runtime::StoredEvent& event,
                       std::initializer_list<core::Message> messages) {
        return std::any_of(messages.begin(), messages.end(), [&](core::Message message) {
            return event.record.message == core::identifier_of(message);
        });
    };
    using core::Message;
    std::size_t end = events.size();
    if (!online) {
        while (end > 0 &&
               !is(events[end - 1], {Message::drive_forced_offline, Message::administrator_forced,
                                     Message::drive_unreachable})) {
            --end;
        }
    }
    if (end == 0) end = events.size();
    while (end > 0 && !is(events[end - 1], {Message::drive_reserved, Message::drive_released,
                                            Message::reservation_changed})) {
        --end;
    }
    return end == 0 ? 0 : end - 1;
}

}  // namespace

std::string summary_of(const DriveStory& story) {
    const auto& drive = story.drive;
    switch (drive.operational_state()) {
        case core::OperationalState::forced_offline:
            return "forced offline: " + drive.record.offline_reason + "; " +
                   reservation_words(drive);
        case core::OperationalState::unprotected:
            return "should be forced offline and could not be: " + drive.record.offline_reason +
                   "; " + reservation_words(drive);
        case core::OperationalState::unreachable:
            return "does not answer: " + drive.unreachable_why + "; as last known, " +
                   reservation_words(drive);
        case core::OperationalState::online:
            break;
    }
    const std::string waiting = missing_words(story);
    return "online; " + reservation_words(drive) + (waiting.empty() ? "" : "; " + waiting);
}

std::string next_step_of(const DriveStory& story) {
    const auto& drive = story.drive;
    switch (drive.operational_state()) {
        case core::OperationalState::forced_offline:
            return "Make sure that no application whose agent did not answer still uses the drive "
                   "(bring the agent "
                   "back, or `lractl agent retire NAME --reason TEXT` when its host is gone), "
                   "then " +
                   clear_command(drive) + ".";
        case core::OperationalState::unprotected:
            return "The drive can still be used by an application that does not know of the "
                   "reservation: take it out "
                   "of use by other means (zoning, cable, power). It is tried again every few "
                   "seconds; " +
                   clear_command(drive) + " ends that.";
        case core::OperationalState::unreachable:
            return "Check the drive's power, cable and address, then `lractl drive poll " +
                   drive.record.drive.text + "`.";
        case core::OperationalState::online:
            break;
    }
    for (const auto& alarm : story.alarms) {
        if (alarm.key.kind == core::AlarmKind::holder_unknown) {
            return "Find out who holds it: connect the drive's event channel, or ask on the hosts. "
                   "Nothing was told to "
                   "the agents unless reservation.unknown_holder says so.";
        }
    }
    if (!story.missing.empty()) {
        return "Wait, or see why the agent is late: `lractl agent show " +
               story.missing.front().agent +
               "`. When its time is spent the drive is forced offline.";
    }
    return "Nothing.";
}

json timeline_json(const DriveStory& story) {
    json timeline = json::array();
    const bool online = story.drive.operational_state() == core::OperationalState::online;
    const auto begin = static_cast<std::ptrdiff_t>(beginning_of(story.events, online));
    const std::vector<runtime::StoredEvent> told(story.events.begin() + begin, story.events.end());
    for (const auto& event : told) {
        timeline.push_back({{"at", runtime::to_text(event.record.at)},
                            {"what", event.record.text},
                            {"message", event.record.message},
                            {"severity", core::to_text(event.record.severity)}});
    }
    json missing = json::array();
    for (const auto& wait : story.missing)
        missing.push_back(runtime::handshake_json(wait));
    return {{"serial", story.drive.record.drive.text},
            {"summary", summary_of(story)},
            {"timeline", std::move(timeline)},
            {"now", story.now == nullptr ? json() : *story.now},
            {"missing", std::move(missing)},
            {"next_step", next_step_of(story)}};
}

}  // namespace agent::lrad
