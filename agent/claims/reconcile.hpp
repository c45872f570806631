#pragma once

// What becomes of a claim whose controller is gone: decided from its row and from what drive and
// changer show, row by row of docs/MOUNTS.md ("After a crash"). The one who decides holds the new
// epoch. A foreign key is never touched.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agent/claims/claim.hpp"

namespace agent::claims {

// What PERSISTENT RESERVE IN shows.
enum class HeldBy : std::uint8_t {
    nobody,
    dead_key,   // a key of this library's controllers, of an older epoch or another node
    own_key,    // this controller's own, of this epoch
    other,      // a host's persistent reservation
    legacy,     // RESERVE of another nexus: nobody can break it from here
    no_answer,  // the drive does not answer
};
inline constexpr std::size_t held_by_count = 6;

// Where the cartridge of the claim is.
enum class Whereabouts : std::uint8_t {
    slot,
    its_drive,
    elsewhere,  // picker, import/export element, another drive
    missing,
    no_answer,  // the changer does not answer
};
inline constexpr std::size_t whereabouts_count = 5;

enum class Recovery : std::uint8_t {
    free_drive,    // take our key off, free the row; the claim ends as undone, or waits again
    finish_load,   // wait until the drive is ready, then it is mounted
    stay_mounted,  // take our key off if it is there; nothing else
    take_home,     // unload, back to its slot, then free
    look_again,    // INITIALIZE ELEMENT STATUS once, then decide again
    quarantine,    // the drive, and say so
    ask_again,     // later: what must be known does not answer
};
[[nodiscard]] std::string_view to_text(HeldBy value);
[[nodiscard]] std::string_view to_text(Whereabouts value);
[[nodiscard]] std::string_view to_text(Recovery value);

struct RecoveryRow {
    ClaimState state;
    HeldBy held;
    Whereabouts medium;
    Recovery recovery;
    std::string_view why;
};

// `looked_again`: the changer has taken stock anew since. Only for claims that have a drive:
// claimed to unloading.
[[nodiscard]] RecoveryRow recovery_of(ClaimState state, HeldBy held, Whereabouts medium,
                                      bool looked_again);

// Does a claim that is undone go on waiting for a drive? Its requester said so when it asked; so
// much is `left` until its deadline.
[[nodiscard]] bool waits_again(const Claim& claim, core::Duration left);

}  // namespace agent::claims
