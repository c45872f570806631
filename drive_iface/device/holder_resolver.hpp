#pragma once

// The door to whatever can tell who holds a drive. A rung of the ladder in docs/HOLDER.md is one
// resolver; what comes later (IBM's dynamic runtime attributes, ADC over iADT) is one more class
// behind this door and one more line where the ladder is put together (agent/lrad/drive_setup.cpp).
// test/unit/device/holder_ladder_test.cpp has such a resolver as a test double.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/holder_search.hpp"
#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/drive.hpp"
#include "drive_iface/device/transport.hpp"

namespace drive_iface {

// What is known about a drive that is reserved and does not say by whom.
struct HolderCase {
    agent::core::DriveSerial drive;
    std::optional<DriveIdentity> identity;
    agent::core::Reservation reservation;  // reserved; no holders
    // The controller's own port, when it is known: never a candidate.
    std::optional<agent::core::InitiatorPort> own_port;
};

// What one rung has found. Naming the holders needs an authoritative evidence (sureness_of()): the
// drive's own word, or the administrator's map. A rung that names them with a weaker one is shown
// as pointing at them, and nothing is done about it.
struct HolderFinding {
    std::vector<agent::core::InitiatorPort> holders;                           // named
    agent::core::HolderEvidence evidence = agent::core::HolderEvidence::none;  // of `holders`
    std::vector<agent::core::HolderCandidate> candidates;                      // pointed at
    std::string said;  // for `drive why`: what came back, one line
};

class HolderResolver {
  public:
    virtual ~HolderResolver() = default;

    // "conflict_list"
    [[nodiscard]] virtual std::string_view rung() const = 0;
    // Does it send commands to the drive? Then resolve() is called on the drive's own thread,
    // between two looks, and may block; otherwise on the event loop, and may not.
    [[nodiscard]] virtual bool asks_drive() const = 0;
    // `drive` is null for one that does not ask it. Commands must be allowed under any reservation
    // and change nothing: no more than INQUIRY, REQUEST SENSE, REPORT LUNS, LOG SENSE (never page
    // 2Eh) and what the standard of a later interface says of its own. An error is the transport's;
    // a drive that does not know the command is a finding that says so. One thread at a time.
    [[nodiscard]] virtual agent::core::Result<HolderFinding> resolve(
        const HolderCase& known, Transport* drive, agent::core::Duration timeout) = 0;
};

}  // namespace drive_iface
