#pragma once

// Snapshots of the tracking structure of parallel write sessions: how it was at a moment, and the
// data of its sessions as of that moment, also when the volume was overwritten since. All calls on
// the event loop's thread. docs/SNAPSHOTS.md describes them for users.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/sessions/tracking.hpp"
#include "drive_iface/snapshots/difference.hpp"
#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::snapshots {

using sessions::Session;
using sessions::SessionRecord;

enum class Cause : std::uint8_t {
    completion,  // of a session
    periodic,
    on_demand,
};
[[nodiscard]] std::string_view to_text(Cause cause);
[[nodiscard]] std::optional<Cause> cause_from_text(std::string_view text);

struct Snapshot {
    std::uint32_t number = 0;   // from 1, never used twice
    std::int64_t taken_ms = 0;  // since 1970 UTC
    Cause cause = Cause::on_demand;
    std::optional<std::uint32_t> completed;  // the session whose completion it was taken on
    std::string by;                          // who asked for it; empty: vtld itself
    std::string reason;                      // in the words of who asked

    bool kept = false;  // retention leaves it alone
    std::string kept_by, kept_reason;

    std::uint64_t sessions = 0;  // how many it has, and how many of them were active
    std::uint64_t active = 0;
    std::uint64_t objects = 0;  // of all of them together
    std::uint64_t bytes = 0;
    bool operator==(const Snapshot&) const = default;
};

struct SnapshotChange {
    enum class Kind : std::uint8_t { taken, removed, kept, unkept };
    Kind kind = Kind::taken;
    Snapshot snapshot;
    std::string by;   // empty: vtld itself
    std::string why;  // removed: retention's reason, or that of who asked
};
[[nodiscard]] std::string_view to_text(SnapshotChange::Kind kind);

struct SnapshotDifference {
    Snapshot from, to;  // the older one first
    std::vector<SessionDifference> sessions;
};

class Snapshots {
  public:
    static constexpr std::size_t open_max = 64;  // sessions behind each other in one cartridge

    virtual ~Snapshots() = default;

    // The oldest first.
    [[nodiscard]] virtual std::vector<Snapshot> list() const = 0;
    [[nodiscard]] virtual std::optional<Snapshot> show(std::uint32_t number) const = 0;

    // All rows as they were, in order of identifier; of active sessions how much they had at that
    // moment. Errors: unknown snapshot, or it can not be read.
    [[nodiscard]] virtual agent::core::Result<std::vector<Session>> sessions(
        std::uint32_t number) const = 0;
    // Those the session had at that moment; at most `count` (and 10,000) from number `first` on.
    [[nodiscard]] virtual agent::core::Result<std::vector<SessionRecord>> records(
        std::uint32_t number, std::uint32_t session, std::uint64_t first,
        std::uint64_t count) const = 0;

    // What happened between two of them, in whatever order they are named.
    [[nodiscard]] virtual agent::core::Result<SnapshotDifference> diff(std::uint32_t a,
                                                                       std::uint32_t b) const = 0;

    // On disk when it returns well; so are all changes below. Errors: no room left.
    [[nodiscard]] virtual agent::core::Result<Snapshot> take(const std::string& by,
                                                             const std::string& reason) = 0;
    [[nodiscard]] virtual agent::core::Result<Snapshot> keep(std::uint32_t number,
                                                             const std::string& by,
                                                             const std::string& reason) = 0;
    [[nodiscard]] virtual agent::core::Result<Snapshot> unkeep(std::uint32_t number,
                                                               const std::string& by) = 0;
    // Also one that is kept.
    [[nodiscard]] virtual agent::core::Outcome remove(std::uint32_t number, const std::string& by,
                                                      const std::string& reason) = 0;

    // The data of one session as of the snapshot, or of all of them one behind the other, as a
    // write-protected cartridge: those complete in the order of their completion, then the others
    // in order of identifier, and where one does not end with a filemark it gets one, so that each
    // begins a tape file. Of a session that was active only what is durable by now. It stays
    // readable when the snapshot is removed. Nothing: being opened, ask again a little later.
    // Errors: unknown, the data is deleted, or more than open_max sessions.
    [[nodiscard]] virtual std::optional<
        agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>>
    open(std::uint32_t number, std::optional<std::uint32_t> session) = 0;

    // Called after each change, all listeners. Destroying the token ends the listening.
    using Listener = std::function<void(const SnapshotChange& change)>;
    [[nodiscard]] virtual std::shared_ptr<void> listen(Listener listener) = 0;
};

}  // namespace drive_iface::snapshots
