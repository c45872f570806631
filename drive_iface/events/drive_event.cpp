#include "drive_iface/events/drive_event.hpp"

#include <algorithm>

namespace drive_iface::events {

using namespace agent::core;
using Change = DriveEvent::Change;

DriveEvent make_drive_event(DriveSerial drive, Change change, const Reservation& after,
                            std::optional<InitiatorPort> port, std::string at) {
    DriveEvent event;
    event.drive = std::move(drive);
    event.change = change;
    event.port = std::move(port);
    event.at = std::move(at);
    if (after.state != ReservationState::reserved) return event;
    event.kind = after.kind;
    event.persistent = after.persistent;
    const bool port_says_it = (change == Change::reserved || change == Change::preempted) &&
                              event.port && after.holders.size() == 1 &&
                              after.holders.front() == *event.port;
    if (!port_says_it && !after.holders.empty()) event.holders = after.holders;
    return event;
}

Reservation reservation_after(const DriveEvent& event) {
    Reservation after;
    if (event.change == Change::lost) return after;
    if (event.change == Change::released || event.kind == ReservationKind::none) {
        after.state = ReservationState::free;
        return after;
    }
    after.state = ReservationState::reserved;
    after.kind = event.kind;
    after.persistent = event.persistent;
    if (event.holders) {
        after.holders = *event.holders;
        std::sort(after.holders.begin(), after.holders.end());
    } else if (event.port &&
               (event.change == Change::reserved || event.change == Change::preempted)) {
        after.holders = {*event.port};
    }
    return after;
}

std::string_view to_text(Change change) {
    switch (change) {
        case Change::reserved:
            return "reserved";
        case Change::released:
            return "released";
        case Change::preempted:
            return "preempted";
        case Change::reset:
            return "reset";
        case Change::registrations:
            return "registrations";
        case Change::state:
            return "state";
        case Change::lost:
            return "lost";
    }
    return "";
}

std::string_view to_text(DriveCommand::Action action) {
    switch (action) {
        case DriveCommand::Action::force_offline:
            return "force_offline";
        case DriveCommand::Action::lift_offline:
            return "lift_offline";
    }
    return "";
}

}  // namespace drive_iface::events
