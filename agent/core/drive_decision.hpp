#pragma once

// What a drive sharing agent does about a notice, as pure functions.

#include "agent/core/drive_sharing_agent.hpp"

namespace agent::core {

// What the notice means for this host.
enum class Verdict : std::uint8_t {
    keep_off,   // reserved by somebody else or by nobody knows whom, or the drive is forced offline
    mine,       // this host's own application domain holds it
    free,       // anybody may use it
    not_known,  // the controller does not know either: leave everything as it is
};
[[nodiscard]] Verdict verdict_of(const Notice& notice, const HostConfiguration& host);

// What to do next for a verdict, given what the application says and what the ledger says.
enum class NextMove : std::uint8_t {
    confirm_set_offline,
    confirm_already_offline,
    confirm_already_online,
    confirm_holder_is_mine,
    confirm_left_to_operator,
    wait_for_drain,
    take_offline,
    bring_online,
    report_unknown,
};

// Before any command but the query has run for this notice.
[[nodiscard]] NextMove first_move(Verdict verdict, ApplicationDriveState state, bool in_ledger);

// "reserved by fc:2100000e1e09a1b0", for the ledger and the operator.
[[nodiscard]] std::string reason_in_words(const Notice& notice);

}  // namespace agent::core
