#pragma once

// The life of a claim as a table. Each step is one committed row before the next thing is sent
// anywhere: lock, commit (claimed), PERSISTENT RESERVE OUT, commit (reserved), unlock, commit
// (loading), MOVE MEDIUM, ready, commit (mounted).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "agent/claims/claim.hpp"
#include "agent/core/transition_table.hpp"

namespace agent::claims {

enum class ClaimEvent : std::uint8_t {
    drive_claimed,   // commit 1
    drive_reserved,  // the drive carries our key, commit 2
    drive_refused,   // it could not be reserved, or failed
    move_begins,     // about to be sent
    drive_ready,
    move_failed,  // the cartridge did not get in, or the drive never got ready
    withdrawn,    // unmount, cancel, deadline
    medium_home,  // the cartridge lies in a slot again
};
inline constexpr std::size_t claim_events = 8;

enum class ClaimAction : std::uint8_t {
    nothing,
    refuse,       // the event does not belong here: say so, change nothing
    reserve,      // PERSISTENT RESERVE OUT
    begin_move,   // record `loading`
    move_in,      // MOVE MEDIUM slot to drive, then wait until it is ready
    hand_over,    // release the controller's reservation: the drive is the host's
    try_another,  // one other drive, once; then end
    take_back,    // reserve again, unload, MOVE MEDIUM drive to slot
    release,      // the reservation, and the drive's row
    settle,       // the claim is over: tell whoever waits
};

using ClaimRow = core::TransitionRow<ClaimState, ClaimEvent, ClaimAction>;

// One row per state and event, checked when compiling.
[[nodiscard]] std::span<const ClaimRow> claim_table();
[[nodiscard]] const ClaimRow& claim_row(ClaimState state, ClaimEvent event);

[[nodiscard]] std::string_view to_text(ClaimEvent value);
[[nodiscard]] std::string_view to_text(ClaimAction value);

// The table of docs/MOUNTS.md, as Markdown: rows that are refused are left out.
[[nodiscard]] std::string claim_table_page();

}  // namespace agent::claims
