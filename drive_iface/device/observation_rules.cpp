#include "drive_iface/device/observation_rules.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/device/mount_key.hpp"

namespace drive_iface {

using namespace agent::core;
using events::DriveEvent;
using Source = DriveObserved::Source;

namespace {

bool is_legacy(const Reservation& reservation) {
    return reservation.state == ReservationState::reserved && is_legacy(reservation.kind);
}

// The same as far as the weaker of the two can tell: a look does not tell the kind of a legacy
// reservation, nor always the holders.
bool same_class(const Reservation& a, const Reservation& b) {
    if (a.state != b.state) return false;
    if (a.state != ReservationState::reserved) return true;
    if (is_legacy(a.kind) || is_legacy(b.kind)) return is_legacy(a.kind) && is_legacy(b.kind);
    return a.kind == b.kind && a.persistent == b.persistent;
}

// A persistent reservation whose holders both sides name must name the same ones.
bool agree(const Reservation& event, const Reservation& reading) {
    if (!same_class(event, reading)) return false;
    if (event.holders.empty() || reading.holders.empty()) return true;
    return event.holders.size() == reading.holders.size() &&
           std::is_permutation(event.holders.begin(), event.holders.end(), reading.holders.begin(),
                               same_host_port);
}

// Can what is reserved after this event be another reservation than the one known before?
bool may_be_another(const DriveEvent& event) {
    using Change = DriveEvent::Change;
    if (event.change == Change::lost) return true;
    if (event.change == Change::registrations) return false;
    // A persistent reservation outlives a reset, and who holds it need not be said each time.
    const bool restated = event.change == Change::state || event.change == Change::reset;
    return !restated || event.kind != ReservationKind::persistent;
}

}  // namespace

ObservationRules::ObservationRules(DriveSerial drive, bool polled, Duration event_grace)
    : drive_(std::move(drive)), polled_(polled), event_grace_(event_grace) {}

void ObservationRules::remember(const Reservation& recorded, HolderEvidence evidence) {
    if (is_legacy(recorded) && evidence == HolderEvidence::drive_event &&
        !recorded.holders.empty()) {
        legacy_holder_ = recorded;
    }
    for (const auto& holder : recorded.holders)
        learn_address(holder);
}

void ObservationRules::connected(bool by_events) {
    connected_ = by_events;
}

ObservationRules::Step ObservationRules::event(const DriveEvent& event) {
    ++counters_.events;
    if (event.port) learn_address(*event.port);
    if (event.holders) {
        for (const auto& holder : *event.holders)
            learn_address(holder);
    }
    if (polled_) {
        // Without its ticket yet: no look that has begun can answer it.
        pending_.push_back({event, ~std::uint64_t{0}});
        if (pending_.size() > pending_max) pending_.erase(pending_.begin());
        return {.observed = std::nullopt, .look_now = true, .look_after = std::nullopt};
    }
    DriveObserved observed{drive_, reservation_after(event), HolderEvidence::none,
                           Source::drive_event};
    if (!observed.reservation.holders.empty()) observed.evidence = HolderEvidence::drive_event;
    observed.known_holder_ended = may_be_another(event);
    last_ = observed.reservation;
    return {.observed = observed, .look_now = false, .look_after = std::nullopt};
}

void ObservationRules::looking(std::uint64_t ticket) {
    for (auto& pending : pending_)
        pending.ticket = std::min(pending.ticket, ticket);
}

// The newest event that this look answers; older ones are old news.
std::optional<DriveEvent> ObservationRules::take_event_before(std::uint64_t ticket) {
    std::optional<DriveEvent> newest;
    while (!pending_.empty() && pending_.front().ticket <= ticket) {
        newest = std::move(pending_.front().event);
        pending_.erase(pending_.begin());
    }
    return newest;
}

ObservationRules::Step ObservationRules::look(const ReservationReading& reading,
                                              std::uint64_t ticket) {
    const auto event = take_event_before(ticket);
    bool agrees = false;
    if (event && event->change != DriveEvent::Change::lost) {
        const auto after = reservation_after(*event);
        agrees = agree(after, reading.reservation);
        ++(agrees ? counters_.confirmed : counters_.contradicted);
        // Also when it does not agree: the reservation known from before has ended by then.
        const bool tells_holder = agrees && is_legacy(after) && !after.holders.empty();
        const bool another =
            agrees ? may_be_another(*event) : event->change != DriveEvent::Change::registrations;
        if (tells_holder) {
            legacy_holder_ = after;
        } else if (another) {
            forget_holder();
        }
    } else if (event) {
        forget_holder();
    }
    // An event that is younger than this look may already tell of the next one; that is not lost,
    // it is pending.
    if (legacy_holder_ && !is_legacy(reading.reservation)) forget_holder();
    auto observed = observation(reading, agrees);
    if (agrees && observed.evidence == HolderEvidence::none) {
        // A persistent reservation on a drive without READ FULL STATUS.
        observed.reservation.holders = reservation_after(*event).holders;
        if (!observed.reservation.holders.empty()) observed.evidence = HolderEvidence::drive_event;
    }
    observed.held_by_controller = is_own_fence(observed.reservation);
    if (is_for_mount(observed.reservation)) {
        observed.reservation = {};
        observed.reservation.state = ReservationState::free;
        observed.evidence = HolderEvidence::none;
    }
    if (!agrees && worth_waiting_for_event(observed)) {
        ++counters_.held_back;
        return {.observed = std::nullopt, .look_now = false, .look_after = event_grace_};
    }
    held_back_ = false;
    observed.known_holder_ended = std::exchange(known_holder_ended_, false);
    last_ = observed.reservation;
    return {.observed = std::move(observed), .look_now = false, .look_after = std::nullopt};
}

// Whoever keeps what was observed has to forget it too (agent/core/reservation_tracker.hpp).
void ObservationRules::forget_holder() {
    legacy_holder_.reset();
    known_holder_ended_ = true;
}

DriveObserved ObservationRules::observation(const ReservationReading& reading,
                                            bool by_event) const {
    DriveObserved observed{drive_, reading.reservation, reading.evidence,
                           by_event ? Source::event_and_poll : Source::poll};
    if (is_legacy(reading.reservation) && legacy_holder_) {
        observed.reservation = *legacy_holder_;
        observed.evidence = HolderEvidence::drive_event;
    }
    add_known_addresses(observed.reservation);
    return observed;
}

bool ObservationRules::is_own_fence(const Reservation& reservation) const {
    return own_key_ != 0 && reservation.persistent && reservation.persistent->key == own_key_;
}

bool ObservationRules::is_for_mount(const Reservation& reservation) const {
    return reservation.persistent && is_mount_key(mount_keys_, reservation.persistent->key);
}

// A look may be quicker than the event of the same change, which names the holder of a legacy
// reservation. So on a drive that is connected to the event channel a change waits once for its
// event. A lost event costs that grace.
bool ObservationRules::worth_waiting_for_event(const DriveObserved& observed) {
    if (!connected_ || held_back_ || !last_ || event_grace_.ms <= 0) return false;
    if (agree(*last_, observed.reservation) &&
        last_->holders.size() == observed.reservation.holders.size())
        return false;
    held_back_ = true;
    return true;
}

void ObservationRules::learn_address(const InitiatorPort& port) {
    if (port.address.empty()) return;
    std::erase_if(known_ports_, [&](const InitiatorPort& known) {
        return known.transport == port.transport && known.name == port.name &&
               known.isid == port.isid;
    });
    known_ports_.push_back(port);
    if (known_ports_.size() > known_ports_max) known_ports_.erase(known_ports_.begin());
}

void ObservationRules::add_known_addresses(Reservation& reservation) const {
    for (auto& holder : reservation.holders) {
        if (!holder.address.empty()) continue;
        const auto known = std::find_if(
            known_ports_.rbegin(), known_ports_.rend(), [&](const InitiatorPort& port) {
                return port.transport == holder.transport && port.name == holder.name &&
                       (port.isid == holder.isid || holder.isid.empty());
            });
        if (known != known_ports_.rend()) holder.address = known->address;
    }
    std::sort(reservation.holders.begin(), reservation.holders.end());
}

}  // namespace drive_iface
