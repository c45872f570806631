#pragma once

// The words of the mount service: volumes, drives as rows of the shared drive table, and claims: a
// request for one volume in one drive, from the moment it is asked for until the drive is free
// again. Values only; what is done with them stands in the files beside this one, and who carries
// it out in agent/mounts. docs/MOUNTS.md tells it for operators.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/time.hpp"

namespace agent::claims {

// Which controller writes, and since which change of roles. A row is changed only while the table's
// epoch is the writer's: a controller that was replaced meanwhile changes nothing.
struct Writer {
    std::string node;
    std::uint32_t node_number = 0;  // 1 to 15, given out by the table; part of reservation keys
    std::uint64_t epoch = 0;
    bool operator==(const Writer&) const = default;
};

enum class ClaimState : std::uint8_t {
    queued,     // no drive yet
    claimed,    // a drive is marked, nothing was sent to it
    reserved,   // the drive carries the controller's persistent reservation
    loading,    // MOVE MEDIUM may have been sent
    mounted,    // the drive is ready and belongs to the host that asked
    unloading,  // on its way back
    ended,      // the drive is free again, or there never was one
};
inline constexpr std::size_t claim_states = 7;

// Why a claim has ended; `none` as long as it has not.
enum class ClaimEnding : std::uint8_t {
    none,
    unmounted,
    cancelled,
    deadline_passed,
    drive_failed,   // and so did the other drive that was tried
    volume_failed,  // the cartridge is not where it should be, or was quarantined
    undone,         // by a restart or a takeover: the same request may be made again
};

enum class DriveState : std::uint8_t {
    free,
    claimed,
    reserved,
    loading,
    mounted,
    unloading,
    quarantined,  // failed with two volumes, or in a way only people can judge
};

enum class Access : std::uint8_t { read, write };

enum class MediumKind : std::uint8_t { data, worm, cleaning };

// Where a volume is, as the changer said last.
enum class Place : std::uint8_t {
    slot,
    drive,
    import_export,
    picker,
    missing,  // the changer does not show it
};

enum class VolumeState : std::uint8_t { usable, disabled, quarantined };

struct Volume {
    std::string barcode;
    std::string generation;  // "LTO-8"; empty: its barcode tells none
    MediumKind kind = MediumKind::data;
    VolumeState state = VolumeState::usable;
    std::string reason;  // why it is disabled or quarantined
    Place place = Place::missing;
    std::uint16_t element = 0;          // meaningless when missing
    std::optional<std::uint16_t> home;  // the slot it came from or lies in
    std::optional<std::string> drive;   // serial of the drive it is in
    core::WallTime since;               // it is there, or missing
    bool operator==(const Volume&) const = default;
};

// One row of the drive table.
struct DriveRow {
    std::string serial;
    std::uint16_t element = 0;
    std::string generation;  // "LTO-8"
    DriveState state = DriveState::free;
    std::string node;  // who claims it; empty when free
    std::uint64_t epoch = 0;
    std::optional<std::uint64_t> claim;
    std::optional<std::string> volume;
    std::optional<std::uint16_t> home;
    std::uint64_t key = 0;        // reservation key of the claim; 0: none
    std::uint64_t last_used = 0;  // rises by one with each mount of the library; 0: never
    std::uint64_t mounts = 0;
    std::uint64_t errors = 0;
    std::string reason;    // why it is quarantined
    core::WallTime since;  // of the last step; 0: never one
    bool operator==(const DriveRow&) const = default;
};

struct Claim {
    std::uint64_t id = 0;
    std::string request;  // the requester's own name for it; one claim each
    std::string host;     // empty: nobody in particular
    std::string volume;
    Access access = Access::write;
    bool wait = false;
    ClaimState state = ClaimState::queued;
    ClaimEnding ending = ClaimEnding::none;
    std::string reason;  // in words, when it has ended otherwise than by unmount
    std::string node;
    std::uint64_t epoch = 0;
    std::optional<std::string> drive;
    std::optional<std::uint16_t> home;
    std::optional<std::string> failed_drive;  // the one that was tried before
    core::WallTime asked_at;
    core::WallTime changed_at;
    core::WallTime deadline;
    bool operator==(const Claim&) const = default;
};

[[nodiscard]] std::string_view to_text(ClaimState value);
[[nodiscard]] std::string_view to_text(ClaimEnding value);
[[nodiscard]] std::string_view to_text(DriveState value);
[[nodiscard]] std::string_view to_text(Access value);
[[nodiscard]] std::string_view to_text(MediumKind value);
[[nodiscard]] std::string_view to_text(Place value);
[[nodiscard]] std::string_view to_text(VolumeState value);
[[nodiscard]] std::optional<ClaimState> claim_state_from_text(std::string_view text);
[[nodiscard]] std::optional<ClaimEnding> claim_ending_from_text(std::string_view text);
[[nodiscard]] std::optional<DriveState> drive_state_from_text(std::string_view text);
[[nodiscard]] std::optional<Access> access_from_text(std::string_view text);
[[nodiscard]] std::optional<MediumKind> medium_kind_from_text(std::string_view text);
[[nodiscard]] std::optional<Place> place_from_text(std::string_view text);
[[nodiscard]] std::optional<VolumeState> volume_state_from_text(std::string_view text);

// The state a drive is in while a claim that has it is in `state`.
[[nodiscard]] DriveState drive_state_of(ClaimState state);

}  // namespace agent::claims
