// Drives that are kept from the hosts by a reservation of the controller: each look shows whether
// it stands. Tests: reservation_agent_fence_test.cpp.

#include "agent/core/reservation_agent_rules.hpp"
#include "agent/core/sharing_resolver.hpp"

namespace agent::core {

namespace {

// As often in a row a fence that was taken away is put up again at once; after that the drive
// counts as unprotected and the fence is tried at the pace of every actuator that fails.
constexpr std::uint32_t fence_losses_max = 3;
// So long must it stand for a loss to be the first one again.
constexpr Duration fence_calm{60'000};

std::string who_has_it_now(const DriveObserved& seen) {
    if (seen.reservation.state != ReservationState::reserved) return "nobody holds the drive now";
    return "held now by " + holders_in_words(seen.reservation, {});
}

}  // namespace

// Who holds a drive for its hosts: the controller's own reservation is none of them.
DriveObserved ReservationAgent::Rules::as_hosts_count(const DriveObserved& seen) {
    if (!seen.held_by_controller) return seen;
    DriveObserved none{seen.drive, {}, HolderEvidence::none, seen.source};
    none.reservation.state = ReservationState::free;
    return none;
}

void ReservationAgent::Rules::look_at_fence(Drive& drive, const DriveObserved& seen) {
    if (seen.reservation.state == ReservationState::unknown) return;
    drive.fence_stands = seen.held_by_controller;
    const bool forced = drive.protection == ProtectionState::forced_offline;
    if (seen.held_by_controller) {
        if (drive.protection == ProtectionState::online) fence_left_behind(drive);
        return;
    }
    const DriveSerial& serial = drive.record.drive;
    // An alarm about a drive that is online can only be that of a fence left behind.
    const bool left_behind = drive.protection == ProtectionState::online &&
                             alarms_.clear({AlarmKind::drive_forced_offline, serial, {}}, effects_);
    if (left_behind) log(Message::fence_gone, {serial, {}, {}}, {serial.text});
    if (drive.fenced && forced) fence_lost(drive, seen);
}

// Without its state, or after another actuator was configured: the drive refuses its hosts, and
// nothing would ever lift that.
void ReservationAgent::Rules::fence_left_behind(Drive& drive) {
    const DriveSerial& serial = drive.record.drive;
    if (alarms_.is_active({AlarmKind::drive_forced_offline, serial, {}})) return;
    log(Message::fence_left_behind, {serial, {}, {}}, {serial.text, serial.text});
    raise({AlarmKind::drive_forced_offline, serial, {}}, Message::fence_left_behind,
          {serial.text, serial.text});
}

void ReservationAgent::Rules::fence_lost(Drive& drive, const DriveObserved& seen) {
    const DriveSerial& serial = drive.record.drive;
    const bool calm = !drive.fence_lost_at || now_.monotonic - *drive.fence_lost_at >= fence_calm;
    drive.fence_losses = calm ? 1 : drive.fence_losses + 1;
    drive.fence_lost_at = now_.monotonic;
    const std::string who = who_has_it_now(seen);
    if (drive.fence_losses > fence_losses_max) {
        protect(drive, ProtectionEvent::actuator_failed,
                "its fence was taken away " + std::to_string(drive.fence_losses) +
                    " times in a row, " + who);
        return;
    }
    log(Message::fence_lost, {serial, {}, {}}, {serial.text, who});
    raise({AlarmKind::drive_unprotected, serial, {}}, Message::fence_lost, {serial.text, who});
    protect(drive, ProtectionEvent::fence_lost, who);
}

// An administrator ends a reservation step by step; the rules only write it down.
void ReservationAgent::Rules::handle(const ReleaseReported& input) {
    const auto message = [&] {
        switch (input.stage) {
            case ReleaseReported::Stage::asked:
                return Message::release_asked;
            case ReleaseReported::Stage::step_taken:
                return Message::release_step;
            case ReleaseReported::Stage::succeeded:
                return Message::release_succeeded;
            case ReleaseReported::Stage::failed:
                break;
        }
        return Message::release_failed;
    }();
    if (find_drive(input.drive) == nullptr) return;
    log(message, {input.drive, {}, {}}, {input.drive.text, input.actor, input.words});
}

}  // namespace agent::core
