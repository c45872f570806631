#pragma once

// What can be wrong with a drive although its reservation is known: a holder that nobody answers
// for, registrations left behind or doubled, two kinds of reservation at once, medium removal
// prevented for nobody. Decides only: no clock.
//
//   concern                  | holds while                                                  | lasts
//   -------------------------+--------------------------------------------------------------+------
//   holder_not_configured    | a holder's port is in no domain, and there are domains       | stale
//   holder_agent_lost        | every agent of the holder's domain is lost                   | stale
//   registrations_orphaned   | free, and a registered port is in no domain; or one iSCSI    | stale
//                            |   name is registered under several ISIDs at one target port  |
//   registrations_doubled    | one port is registered twice at one target port; or hosts of | stale
//                            |   different applications have registered the same key        |
//   reservations_mixed       | RESERVE and persistent reservations were seen within         | once
//                            |   `mixed_within`; or applications share a registrants-only   |
//                            |   or all-registrants reservation                             |
//   removal_prevented        | free, no tape moves, and removal is prevented (PAMR)         | stale
//
// What a drive does not tell (no READ FULL STATUS, no log page 11h, out of reach) is unknown:
// nothing is raised for it, and nothing cleared.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/reservation.hpp"
#include "agent/core/reservation_agent.hpp"
#include "agent/core/time.hpp"

namespace agent::core {

inline constexpr AlarmKind concern_kinds[] = {
    AlarmKind::holder_not_configured,  AlarmKind::holder_agent_lost,
    AlarmKind::registrations_orphaned, AlarmKind::registrations_doubled,
    AlarmKind::reservations_mixed,     AlarmKind::removal_prevented};

struct ConcernTimes {
    Duration stale_after;   // how long most of them must last; 0: nothing is judged
    Duration mixed_within;  // 0: a RESERVE after a persistent reservation is nothing special
};

// What the rules know besides.
struct ConcernContext {
    const Reservation& reservation;  // the one that counts
    const SharingConfiguration& configuration;
    const std::map<AgentName, AgentState>& agents;
};

struct ConcernVerdict {
    enum class Answer : std::uint8_t { unknown, no, young, yes };
    AlarmKind kind;
    Answer answer = Answer::unknown;
    std::string words;  // ports, agents or keys it is about; with young and yes
    bool operator==(const ConcernVerdict&) const = default;
};

// Of one drive.
class DriveConcerns {
  public:
    void examined(const DriveExamined& look, Instant now);
    // Out of reach: how it is now is not known, what has been seen before stands.
    void lose_sight();
    // Taken out of service: what the looks told is not how hosts use it.
    void forget();

    // One verdict for each kind, always in the same order.
    [[nodiscard]] std::vector<ConcernVerdict> judge(const ConcernContext& context,
                                                    const ConcernTimes& times, Instant now);
    // When a verdict changes by time alone.
    [[nodiscard]] std::optional<Instant> next_wakeup(const ConcernTimes& times, Instant now) const;

  private:
    [[nodiscard]] std::optional<std::string> mixed(const ConcernContext& context,
                                                   const ConcernTimes& times, Instant now) const;

    std::optional<DriveExamined> look_;
    std::optional<bool> removal_prevented_;  // of the newest look that asked
    std::optional<bool> moves_tape_;
    std::optional<Instant> legacy_seen_;
    std::optional<Instant> persistent_seen_;
    std::map<AlarmKind, Instant> standing_since_;
};

}  // namespace agent::core
