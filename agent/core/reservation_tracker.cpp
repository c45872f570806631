#include "agent/core/reservation_tracker.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"

namespace agent::core {
namespace {

// Could both be the same reservation, as far as state, kind, type and key tell? The holders are
// left out on purpose.
bool same_reservation(const Reservation& a, const Reservation& b) {
    if (a.state != ReservationState::reserved || b.state != ReservationState::reserved)
        return false;
    const bool same_kind = a.kind == b.kind || (is_legacy(a.kind) && is_legacy(b.kind));
    return same_kind && a.persistent == b.persistent;
}

bool stronger(HolderEvidence a, HolderEvidence b) {
    return a < b;
}

bool same_ports(const std::vector<InitiatorPort>& a, const std::vector<InitiatorPort>& b) {
    const auto covered = [](const auto& some, const auto& others) {
        return std::all_of(some.begin(), some.end(), [&others](const InitiatorPort& port) {
            return std::any_of(others.begin(), others.end(), [&port](const InitiatorPort& other) {
                return same_host_port(port, other);
            });
        });
    };
    return covered(a, b) && covered(b, a);
}

}  // namespace

DriveObserved with_known_holders(DriveObserved observed, const Reservation& known,
                                 HolderEvidence known_evidence) {
    Reservation& seen = observed.reservation;
    if (!same_reservation(seen, known)) return observed;
    if (observed.known_holder_ended && !same_ports(seen.holders, known.holders)) return observed;
    if (seen.kind == ReservationKind::legacy) seen.kind = known.kind;
    if (known.holders.empty() || !stronger(known_evidence, observed.evidence)) return observed;
    // READ FULL STATUS names the holder too; where it names another one it is the truth, where it
    // names the same one the stronger evidence knows more (an address).
    const bool contradicted = observed.evidence == HolderEvidence::full_status &&
                              !seen.holders.empty() && !same_ports(seen.holders, known.holders);
    if (contradicted) return observed;
    seen.holders = known.holders;
    observed.evidence = known_evidence;
    return observed;
}

ReservationTracker::ReservationTracker(Reservation known, HolderEvidence evidence)
    : known_(std::move(known)), evidence_(evidence) {}

Instant ReservationTracker::due(const Candidate& candidate, const TrackerTimes& times) const {
    const bool release = known_.state == ReservationState::reserved &&
                         candidate.reservation.state == ReservationState::free;
    const Duration for_polling = candidate.only_polled ? times.debounce : Duration{0};
    const Duration for_release = release ? times.release_hold_down : Duration{0};
    return candidate.first_seen.monotonic + std::max(for_polling, for_release);
}

ReservationChange ReservationTracker::accept() {
    AGENT_ASSERT(candidate_.has_value());
    known_ = std::move(candidate_->reservation);
    evidence_ = candidate_->evidence;
    const WallTime since = candidate_->first_seen.wall;
    candidate_.reset();
    known_holder_ended_ = false;
    return {known_, evidence_, since};
}

std::optional<ReservationChange> ReservationTracker::observe(const DriveObserved& observed,
                                                             const TrackerTimes& times, Now now) {
    if (observed.known_holder_ended) {
        known_holder_ended_ = true;
        if (candidate_ && !candidate_->reservation.holders.empty()) candidate_.reset();
    }
    if (observed.reservation.state == ReservationState::unknown) {
        // The drive answers but does not say: nothing is learnt, unless no look will follow.
        const bool forgets = observed.known_holder_ended && !known_.holders.empty() &&
                             observed.source == DriveObserved::Source::drive_event;
        if (!forgets) return std::nullopt;
        return forget_holders(now.wall);
    }

    DriveObserved seen = observed;
    seen.known_holder_ended = known_holder_ended_;
    seen = with_known_holders(std::move(seen), known_, evidence_);
    seen.known_holder_ended = false;
    if (candidate_) seen = with_known_holders(seen, candidate_->reservation, candidate_->evidence);
    if (seen.reservation == known_ && seen.evidence == evidence_) {
        candidate_.reset();
        known_holder_ended_ = false;
        return std::nullopt;
    }
    const bool only_polled = observed.source == DriveObserved::Source::poll;
    if (candidate_ && candidate_->reservation == seen.reservation) {
        candidate_->evidence = std::min(candidate_->evidence, seen.evidence);
        candidate_->only_polled = candidate_->only_polled && only_polled;
    } else {
        candidate_ = Candidate{seen.reservation, seen.evidence, now, only_polled};
    }
    if (now.monotonic < due(*candidate_, times)) return std::nullopt;
    return accept();
}

std::optional<ReservationChange> ReservationTracker::name_holders(
    std::vector<InitiatorPort> holders, HolderEvidence evidence, WallTime since) {
    if (known_.state != ReservationState::reserved) return std::nullopt;
    if (!known_.holders.empty() && stronger(evidence_, evidence)) return std::nullopt;
    if (known_.holders == holders && evidence_ == evidence) return std::nullopt;
    known_.holders = std::move(holders);
    evidence_ = evidence;
    return ReservationChange{known_, evidence_, since};
}

ReservationChange ReservationTracker::forget_holders(WallTime since) {
    known_holder_ended_ = false;
    known_.holders.clear();
    evidence_ = HolderEvidence::none;
    return {known_, evidence_, since};
}

std::optional<ReservationChange> ReservationTracker::time_passed(const TrackerTimes& times,
                                                                 Instant now) {
    // Between two looks a reservation may have come and gone: only the next look tells whether what
    // polling saw has lasted.
    if (!candidate_ || candidate_->only_polled || now < due(*candidate_, times))
        return std::nullopt;
    return accept();
}

std::optional<Instant> ReservationTracker::next_wakeup(const TrackerTimes& times) const {
    if (!candidate_ || candidate_->only_polled) return std::nullopt;
    return due(*candidate_, times);
}

}  // namespace agent::core
