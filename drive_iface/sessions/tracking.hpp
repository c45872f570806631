#pragma once

// The tracking structure of parallel write sessions, for who shows it: administrative volumes,
// snapshots, the web page, the control socket. All calls on the event loop's thread; none blocks.
//
// A session is one host writing to one volume through one drive, from its first write to its
// completion. Its data lies in segment files of its own, in two storage folders, and does not
// change any more once the session ended.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::sessions {

enum class SessionState : std::uint8_t {
    active,      // the host writes
    complete,    // part of the volume, still to be copied into its files
    incomplete,  // the host went away without completing it: kept, no part of the volume
    merged,      // copied into the volume's files
};
[[nodiscard]] std::string_view to_text(SessionState state);
[[nodiscard]] std::optional<SessionState> session_state_from_text(std::string_view text);

struct Session {
    std::uint32_t identifier = 0;    // 1 to 2147483647, never used twice
    std::string host;                // "iscsi:NAME,i,0xISID", "rmt:USER"
    std::string address;             // it came from; empty: not known
    std::string drive;               // serial
    std::string volume;              // barcode
    std::uint64_t start_object = 0;  // where on the volume, as this host saw it, it began to write
    SessionState state = SessionState::active;
    std::string reason;  // why it is incomplete, or complete and not copied yet

    std::uint64_t objects = 0;  // blocks and filemarks acknowledged to the host
    std::uint64_t filemarks = 0;
    std::uint64_t bytes = 0;                     // of blocks
    std::uint64_t durable_objects = 0;           // of `objects`, how many survive a loss of power
    std::optional<std::uint64_t> completion;     // its place in the order of completion, from 1
    std::optional<std::uint64_t> volume_object;  // merged: number of its first object there

    std::int64_t started_ms = 0;  // since 1970 UTC
    std::optional<std::int64_t> ended_ms;
    std::vector<std::string> files;  // segment files that hold its records, one for each device
    bool kept = true;                // false: its segments are deleted, nobody referred to them
    bool operator==(const Session&) const = default;
};

// One write of a session.
struct SessionRecord {
    std::uint64_t number = 0;  // within the session, from 0
    virtual_library::LogicalObject::Kind kind = virtual_library::LogicalObject::Kind::block;
    std::uint32_t length = 0;
    // Within each of the session's files, in their order; the record is acknowledged by this
    // device. Empty: accepted, not stored on any yet.
    std::vector<std::uint64_t> offsets;
    std::uint32_t crc32c = 0;  // of the data, once it is stored
    bool durable = false;
    bool operator==(const SessionRecord&) const = default;
};

class Tracking {
  public:
    virtual ~Tracking() = default;

    // All sessions that are remembered, in order of identifier.
    [[nodiscard]] virtual std::vector<Session> list() const = 0;
    [[nodiscard]] virtual std::optional<Session> show(std::uint32_t identifier) const = 0;
    // At most `count` (and 10,000) from number `first` on. Errors: unknown session, its segments
    // are deleted, or can not be read.
    [[nodiscard]] virtual agent::core::Result<std::vector<SessionRecord>> records(
        std::uint32_t identifier, std::uint64_t first, std::uint64_t count) const = 0;

    // The data of a session, as a write-protected cartridge that holds nothing else; of one that is
    // active what is durable now. Nothing: being opened, ask again a little later. Errors: unknown,
    // or deleted.
    [[nodiscard]] virtual std::optional<
        agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>>
    open(std::uint32_t identifier) = 0;

    // Segments of a session are kept as long as somebody holds it; holds are counted and are not
    // remembered over a restart: hold() again what snapshots refer to before allow_deletion().
    // False: unknown session or deleted already.
    [[nodiscard]] virtual bool hold(std::uint32_t identifier) = 0;
    virtual void release(std::uint32_t identifier) = 0;
    // Until it is called once, nothing is deleted.
    virtual void allow_deletion() = 0;

    // A number that grows with each change of state (not with each record).
    [[nodiscard]] virtual std::uint64_t revision() const = 0;
    // Called after a session began or its state changed; all listeners are called. A session that
    // just ended can be held from inside. Returns a token; destroying it ends the listening.
    using Listener = std::function<void(const Session& session)>;
    [[nodiscard]] virtual std::shared_ptr<void> listen(Listener listener) = 0;
};

}  // namespace drive_iface::sessions
