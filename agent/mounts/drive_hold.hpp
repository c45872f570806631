#pragma once

// What a controller does to a drive while it mounts a volume there: its persistent reservation
// (Exclusive Access, type 3), loading and unloading. Over any Transport; one thread at a time.
// Nothing is kept between two calls: each asks the drive first, so all may be repeated after any
// error.

#include <cstdint>
#include <optional>
#include <string>

#include "agent/claims/reconcile.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"

namespace agent::mounts {

struct DriveHolder {
    claims::HeldBy held = claims::HeldBy::no_answer;
    std::uint64_t key = 0;  // of the persistent reservation
    std::string words;      // "key 00000000abcdef01 of a host", or why there is no answer
};

// READ RESERVATION. `family`: mount_key_family of the library; its keys other than `own` are dead
// ones. Never an error: a drive that does not answer is an answer.
[[nodiscard]] DriveHolder look_at_holder(drive_iface::Transport& drive, std::uint64_t family,
                                         std::uint64_t own, core::Duration timeout);

// Registers `own` and reserves, or preempts a dead key of this library. `refused`: a host holds the
// drive, nothing was changed. An error: the drive did not answer or refused; it may be in any
// state.
struct Hold {
    bool refused = false;
    std::string words;
};
[[nodiscard]] core::Result<Hold> hold_drive(drive_iface::Transport& drive, std::uint64_t family,
                                            std::uint64_t own, core::Duration timeout);

// Takes `own`, or a dead key of the library, off the drive. A drive that carries neither is a
// success; a host's reservation and registration stay.
[[nodiscard]] core::Outcome let_go_of_drive(drive_iface::Transport& drive, std::uint64_t family,
                                            std::uint64_t own, core::Duration timeout);

// Of a drive that nobody claims: the same when `own`, or a key of the library of an older epoch,
// holds it; anything else stays. True: it was so.
[[nodiscard]] core::Result<bool> let_go_of_left_key(drive_iface::Transport& drive,
                                                    std::uint64_t family, std::uint64_t own,
                                                    core::Duration timeout);

enum class Readiness : std::uint8_t { ready, becoming_ready, empty, failed };
struct DriveReadiness {
    Readiness readiness = Readiness::failed;
    bool hardware = false;  // HARDWARE ERROR: the drive itself
    std::string words;
};
// TEST UNIT READY, past unit attentions. Errors: the transport's.
[[nodiscard]] core::Result<DriveReadiness> look_at_readiness(drive_iface::Transport& drive,
                                                             core::Duration timeout);

// PREVENT ALLOW MEDIUM REMOVAL (allow), then LOAD UNLOAD (unload). A drive without a cartridge is a
// success.
[[nodiscard]] core::Outcome unload_drive(drive_iface::Transport& drive, core::Duration timeout);

}  // namespace agent::mounts
