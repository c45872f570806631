#pragma once

// The fence: an Exclusive Access persistent reservation (type 3) of the controller, which keeps
// every host from the medium of an ordinary drive. The drive is then "reserved by the controller",
// not "failed": hosts get RESERVATION CONFLICT, and INQUIRY or TEST UNIT READY of theirs go on
// working (SPC-4 5.13.1, table of allowed commands).
//
// Nothing is kept between two calls and nothing is assumed: each round asks the drive and decides
// from its answer alone. So both functions may be called again after any error, in the middle of
// anything, by a process that was started anew.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"

namespace drive_iface {

inline constexpr scsi::PrType fence_type = scsi::PrType::exclusive_access;

// What the drive says, as far as the next move depends on it.
struct FenceView {
    bool reserved_by_reserve = false;  // PERSISTENT RESERVE IN conflicts: RESERVE of another nexus
    std::optional<scsi::ReadReservationData::Held> held;
    bool registered = false;  // this call has registered the key, and nothing has shown otherwise
};

enum class FenceMove : std::uint8_t {
    register_key,
    reserve,
    preempt,  // whoever holds it now
    release,
    done,
    blocked,  // RESERVE of another nexus: PERSISTENT RESERVE OUT conflicts (SPC-2 5.5.1)
};

// ---- the decisions, pure
[[nodiscard]] FenceMove next_move_to_raise(const FenceView& view, std::uint64_t key);
[[nodiscard]] FenceMove next_move_to_lift(const FenceView& view, std::uint64_t key);

// What was done, in order, in words: "PREEMPT AND ABORT of key 00000000abcdef01".
struct FenceReport {
    std::vector<std::string> steps;
    // The drive does not know PREEMPT AND ABORT: what the holder had under way goes on to its end.
    bool not_aborted = false;
    bool operator==(const FenceReport&) const = default;
};
[[nodiscard]] std::string to_text(const FenceReport& report);

// REGISTER AND IGNORE EXISTING KEY, then RESERVE, PREEMPT AND ABORT or PREEMPT until READ
// RESERVATION shows `key` with type 3. With APTPL where the drive can keep it. `timeout` holds for
// each command. Errors, in words that say which state the drive is in: transport (the drive may be
// in any state; call again), a RESERVE of another nexus, no persistent reservations, hosts that
// take it back faster than it can be taken.
[[nodiscard]] agent::core::Result<FenceReport> raise_fence(Transport& drive, std::uint64_t key,
                                                           agent::core::Duration timeout);

// RELEASE and unregister, also what an earlier path of this controller left behind with the same
// key. A drive that is not fenced is a success, and so is one that knows no persistent
// reservations. Registrations of hosts stay.
[[nodiscard]] agent::core::Result<FenceReport> lift_fence(Transport& drive, std::uint64_t key,
                                                          agent::core::Duration timeout);

}  // namespace drive_iface
