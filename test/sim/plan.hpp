#pragma once

// Everything a seed decides before its world begins: who is there, how the rules are configured,
// and which faults may strike. One menu, so that a rare combination is one seed away.

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent.hpp"
#include "agent/core/reservation_agent.hpp"

namespace sim {

// Chances are per 100 000.
struct Faults {
    std::uint64_t message_lost = 0;
    std::uint64_t message_repeated = 0;
    std::int64_t message_delay_max_ms = 5;
    std::uint64_t event_lost = 0;
    std::uint64_t controller_crash = 0;  // before each of its effects
    std::uint64_t host_crash = 0;        // before each effect of a drive sharing agent
    bool partitions = false;
    bool host_reboots = false;  // the application starts anew too, with every drive online
    bool clean_stops = false;
    bool silent_drives = false;  // busy or not answering for a while
    bool actuator_fails = false;
    bool application_fails = false;
    bool application_drains = false;
    bool operators = false;
    bool administrators = false;
    bool flapping = false;
    bool foreign_port = false;     // a host without any agent reserves too
    bool vanishing_hosts = false;  // gone for longer than the budget
    bool reconciles = false;       // asked for at a host, or at the controller
    bool reloads = false;          // of a host's configuration, some to observe_only and back
    bool ssh_fails = false;        // no command reaches an agentless host for a while
    bool commands_cut = false;     // nobody hears how some commands end; they take effect later
    // Another controller takes the place of one that has crashed: it has its records, by watching
    // and from the pair's database, but not who owes what.
    bool controller_replaced = false;
    // That one has lost its records of agents: it knows them by the rows of the pair's database.
    bool agents_forgotten = false;
};

struct Plan {
    std::uint64_t seed = 0;
    agent::core::SharingConfiguration sharing;
    std::vector<agent::core::HostConfiguration> hosts;
    std::vector<std::size_t> agentless;  // hosts whose agent lives in the controller's process
    Faults faults;
    std::int64_t poll_ms = 500;
    std::int64_t trouble_ms = 30'000;  // faults strike until then
};

[[nodiscard]] Plan plan_of(std::uint64_t seed);

// Mistakes that the wiring of the simulated world makes on purpose; the oracle must notice each
// one.
enum class Bug : std::uint8_t {
    none,
    old_epoch_counts,      // a confirmation from before a restart is taken for the newest notice
    superseding_forgives,  // a newer notice counts as a confirmation of the older ones
    send_before_record,    // effects are carried out in the wrong order
    ledger_forgotten,      // a host's ledger does not survive a restart
    ledger_invented,       // a host believes that it took every drive offline
    forced_offline_forgotten,  // the controller's restart loses what was forced offline
    epoch_not_raised,
    receipt_counts,  // the SNMP engine's acknowledgement is taken for a confirmation
    failure_counts,  // "failed" is taken for "already_offline"
    budget_too_long,
    budget_too_short,
    actuator_lies,                  // says done and does nothing
    read_back_skipped,              // the application's state is assumed, not asked for
    lift_after_restart,             // the controller clears every drive when it starts
    torn_transaction_kept,          // a half-written transaction is taken for a whole one
    changes_of_reservation_unseen,  // the poller repeats its first answer for ever and events are
                                    // dropped
    old_statement_counts,     // a host's word about an older question is taken for the newest one
    observing_forgotten,      // a host that is only to watch is not told so
    operating_forgotten,      // a host that is to act is told that it only watches
    cut_off_counts_as_ended,  // of a command that was cut off it is said that it has ended
    last_life_has_ended,      // and of what ran when an agent's last life ended
    takeover_forgives,        // a controller that takes over asks nobody
    roster_unread,            // one that has lost its records of agents begins without any
};
inline constexpr Bug planted_bugs[] = {
    Bug::old_epoch_counts,      Bug::superseding_forgives,
    Bug::send_before_record,    Bug::ledger_forgotten,
    Bug::ledger_invented,       Bug::forced_offline_forgotten,
    Bug::epoch_not_raised,      Bug::receipt_counts,
    Bug::failure_counts,        Bug::budget_too_long,
    Bug::budget_too_short,      Bug::actuator_lies,
    Bug::read_back_skipped,     Bug::lift_after_restart,
    Bug::torn_transaction_kept, Bug::changes_of_reservation_unseen,
    Bug::old_statement_counts,  Bug::observing_forgotten,
    Bug::operating_forgotten,   Bug::cut_off_counts_as_ended,
    Bug::last_life_has_ended,   Bug::takeover_forgives,
    Bug::roster_unread,
};
[[nodiscard]] std::string_view to_text(Bug bug);

}  // namespace sim
