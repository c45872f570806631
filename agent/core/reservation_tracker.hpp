#pragma once

#include <optional>

#include "agent/core/reservation_agent_io.hpp"

namespace agent::core {

// How long a new state of a drive must last before it counts.
struct TrackerTimes {
    Duration debounce;           // anything seen only by polling
    Duration release_hold_down;  // a release, however it was seen
};

// A reservation that counts from now on.
struct ReservationChange {
    Reservation reservation;
    HolderEvidence evidence = HolderEvidence::none;
    WallTime since;
};

// What one look at the drive really says, given what is known: polling is the truth about the
// reservation, but a drive that is polled can not tell the port behind a RESERVE(6). As long as the
// reservation is the one that stronger evidence explained, that evidence stands. Where the drive's
// side says that this one has ended (known_holder_ended), it stands only for a holder that is named
// anew.
[[nodiscard]] DriveObserved with_known_holders(DriveObserved observed, const Reservation& known,
                                               HolderEvidence known_evidence);

// "Same as last time?" for one drive. Holds at most one candidate for the next state.
class ReservationTracker {
  public:
    ReservationTracker() = default;
    ReservationTracker(Reservation known, HolderEvidence evidence);

    // A change that counts at once, or nothing: same as before, or to be seen for a while longer.
    // What only polling has seen counts with the first look that still sees it after its time.
    [[nodiscard]] std::optional<ReservationChange> observe(const DriveObserved& observed,
                                                           const TrackerTimes& times, Now now);
    // Somebody other than the drive names the holders of the reservation that counts now. Nothing
    // when it says nothing new, or stronger evidence has named others. Leaves a candidate alone.
    [[nodiscard]] std::optional<ReservationChange> name_holders(std::vector<InitiatorPort> holders,
                                                                HolderEvidence evidence,
                                                                WallTime since);
    // Nobody vouches for the holders any more. Leaves a candidate alone.
    [[nodiscard]] ReservationChange forget_holders(WallTime since);
    // What the drive itself has said has lasted long enough.
    [[nodiscard]] std::optional<ReservationChange> time_passed(const TrackerTimes& times,
                                                               Instant now);
    [[nodiscard]] std::optional<Instant> next_wakeup(const TrackerTimes& times) const;

  private:
    struct Candidate {
        Reservation reservation;
        HolderEvidence evidence = HolderEvidence::none;
        Now first_seen;
        bool only_polled = true;
    };
    [[nodiscard]] Instant due(const Candidate& candidate, const TrackerTimes& times) const;
    ReservationChange accept();

    Reservation known_;
    HolderEvidence evidence_ = HolderEvidence::none;
    bool known_holder_ended_ = false;  // said, and since then nothing has begun to count
    std::optional<Candidate> candidate_;
};

}  // namespace agent::core
