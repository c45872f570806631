#pragma once

// A shutdown key: the record of one shutdown command, kept by every voting agent. It says which
// node went out of service, when, how and with what in its table, so that whoever comes back first
// can be judged without the one that does not.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/time.hpp"
#include "agent/pair/register.hpp"

namespace agent::pair {

enum class ShutdownMode : std::uint8_t { normal, expedite, immediate, forced };
inline constexpr std::size_t shutdown_mode_count = 4;
[[nodiscard]] std::string_view to_text(ShutdownMode value);
[[nodiscard]] std::optional<ShutdownMode> shutdown_mode_from_text(std::string_view text);

enum class Subject : std::uint8_t { first, second, both };
[[nodiscard]] std::string_view to_text(Subject value);
[[nodiscard]] std::optional<Subject> subject_from_text(std::string_view text);
[[nodiscard]] constexpr bool concerns(Subject subject, Node node) {
    return subject == Subject::both ||
           subject == (node == Node::first ? Subject::first : Subject::second);
}

enum class WaitFor : std::uint8_t { all, until_timeout, nobody };
enum class KeysNeeded : std::uint8_t { all_voters, more_than_threshold, whoever_answers };

// What a mode asks for. A node that can not get the keys it needs refuses the command and goes on.
struct ModeRow {
    ShutdownMode mode;
    bool serves_queue;       // mounts that wait for a drive are served; else handed back
    WaitFor running_mounts;  // mounted volumes
    bool waits_for_move;     // a MOVE MEDIUM in flight
    KeysNeeded keys;
    bool may_be_clean;
    std::string_view new_mounts;
    std::string_view queued_mounts;
};
inline constexpr ModeRow shutdown_modes[] = {
    {ShutdownMode::normal, true, WaitFor::all, true, KeysNeeded::all_voters, true, "SHUTTING_DOWN",
     "served to the end"},
    {ShutdownMode::expedite, false, WaitFor::until_timeout, true, KeysNeeded::more_than_threshold,
     true, "SHUTTING_DOWN", "RETRY_ELSEWHERE"},
    {ShutdownMode::immediate, false, WaitFor::nobody, true, KeysNeeded::more_than_threshold, true,
     "SHUTTING_DOWN", "RETRY_ELSEWHERE"},
    {ShutdownMode::forced, false, WaitFor::nobody, false, KeysNeeded::whoever_answers, false,
     "SHUTTING_DOWN", "dropped"},
};
[[nodiscard]] const ModeRow& row_of(ShutdownMode mode);

// What mounts still stand in the way of leaving.
struct MountsLeft {
    std::uint32_t queued = 0;
    std::uint32_t running = 0;
    bool moving = false;
    bool operator==(const MountsLeft&) const = default;
};
[[nodiscard]] bool may_leave(ShutdownMode mode, const MountsLeft& left, bool time_is_over);

struct KeyId {
    std::uint64_t epoch = 0;
    std::uint64_t counter = 0;
    std::string issuer;  // node or agent that was given the command
    auto operator<=>(const KeyId&) const = default;
};
// `id`, made later than `known`, whatever clocks show.
[[nodiscard]] KeyId later_than(const KeyId& known, KeyId id);

// How one node left. `out` once it does nothing any more, which the second pass of the key tells.
struct Departure {
    bool out = false;
    bool clean = false;    // the last record of its table is that of an orderly stop
    LogPosition position;  // of that record
    std::uint32_t open_claims = 0;
    bool operator==(const Departure&) const = default;
};

struct ShutdownKey {
    KeyId id;
    std::string cluster;
    Subject subject = Subject::first;
    ShutdownMode mode = ShutdownMode::normal;
    std::string actor;
    std::string reason;
    core::WallTime at;                      // to be read by people, never compared
    std::optional<Node> remaining;          // left in service by this command
    RegisterValue register_value;           // as it was: epoch, relation, voters, threshold
    std::array<Departure, 2> departures{};  // by index_of(node)
    std::vector<AgentName> stored_at;       // known when the last pass was sent; ascending
    bool operator==(const ShutdownKey&) const = default;
};

// The texts of a key have at most this many bytes; longer ones are refused where they come in.
inline constexpr std::size_t key_text_bytes_max = 200;

// Both tell of the same command: what either knows counts.
[[nodiscard]] ShutdownKey merged(const ShutdownKey& one, const ShutdownKey& other_pass);

// The keys an agent keeps: the newest for each subject, until a newer one takes its place.
class KeyStore {
  public:
    KeyStore() = default;
    explicit KeyStore(std::vector<ShutdownKey> keys);

    // The key as it has to be recorded now, or nothing when it is known already or older than what
    // is kept.
    [[nodiscard]] std::optional<ShutdownKey> put(const ShutdownKey& key);

    [[nodiscard]] const ShutdownKey* find(const KeyId& id) const;
    [[nodiscard]] const ShutdownKey* newest() const;  // nullptr: none
    [[nodiscard]] const std::vector<ShutdownKey>& keys() const { return keys_; }

  private:
    std::vector<ShutdownKey> keys_;  // ascending by subject
};

// The newest departure of `node` among these keys, when it has gone; nullptr otherwise.
[[nodiscard]] const Departure* departure_of(const KeyStore& keys, Node node);

}  // namespace agent::pair
