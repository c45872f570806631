#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace agent::shell {

// Who answers a command. `none`: lractl does it by itself.
enum class Daemon : std::uint8_t { none, lrad, dsad, vtld };

// What a word on the command line means: how it is checked, and what completes it.
enum class ValueKind : std::uint8_t {
    text,
    reason,         // text that must not be empty: it is written to the event log
    flag,           // an option without a value
    count,          // 1 to 1 000 000
    number,         // 0 to 9 007 199 254 740 991: what JSON readers keep exactly
    milliseconds,   // 0 to 3 600 000
    mebibytes,      // 1 to 134 217 728 (128 TiB): what a cartridge of vtld can have
    serial,         // a drive's serial number
    agent_name,     // a drive sharing agent
    point_in_time,  // "2026-01-31T12:00:00Z", local "2026-01-31 12:00", "10m" ago
    hex_bytes,      // an even number of hex digits
    key,            // a reservation key: up to 16 hex digits
    file,
};

enum class Presence : std::uint8_t { optional, required };

// A positional argument or an option. `name` is its name in the JSON-RPC parameters; an option is
// written --name with
// '_' as '-'.
struct Parameter {
    std::string_view name;
    std::string_view placeholder;
    ValueKind kind = ValueKind::text;
    Presence presence = Presence::optional;
    std::string_view help;
};

// How a result is shown to people.
enum class View : std::uint8_t {
    drives,
    drive,
    drive_timeline,
    discovered_drives,
    agents,
    host_ledgers,
    handshakes,
    alarms,
    events,
    sessions,
    write_sessions,
    records,
    trace,
    cartridges,
    inventory,
    data_set,  // of an administrative volume
    applications,
    host,  // ports and drives of a host, and where from
    snapshots,
    snapshot,
    snapshot_difference,
    snapshot_jobs,
    application_check,
    consumers,  // of SNMP notifications
    profiles,
    volumes,
    claims,
    drive_table,
    pair,  // of controllers, or a key
    pair_votes,
    pair_keys,
    facts,  // name and value, one a line; arrays of objects as tables
    none,   // nothing comes back from a daemon
};

// One verb of one noun. Everything that names commands comes from here: parsing, help, completion,
// and the tables in docs/LRACTL.md. The JSON-RPC method is always "noun.verb". Unused places of the
// arrays are empty.
struct Command {
    std::string_view noun;
    std::string_view verb;
    std::array<Daemon, 3> served_by{};
    std::array<Parameter, 3> positionals{};
    std::array<Parameter, 7> options{};
    View view = View::facts;
    std::string_view help;     // one line
    std::string_view example;  // without "lractl"
};

struct Noun {
    std::string_view name;
    std::string_view help;
};

[[nodiscard]] std::span<const Command> commands();
[[nodiscard]] std::span<const Noun> nouns();

// nullptr: no such noun or verb.
[[nodiscard]] const Noun* find_noun(std::string_view name);
[[nodiscard]] const Command* find_command(std::string_view noun, std::string_view verb);
[[nodiscard]] std::vector<std::string_view> verbs_of(std::string_view noun);

[[nodiscard]] bool serves(Daemon daemon, const Command& command);
[[nodiscard]] std::string method_of(const Command& command);
[[nodiscard]] std::string option_of(const Parameter& parameter);  // "--reason"
[[nodiscard]] std::string usage_of(const Command& command);  // "drive offline SERIAL --reason TEXT"

[[nodiscard]] std::string_view to_text(Daemon daemon);
[[nodiscard]] std::string default_socket(Daemon daemon);  // "/run/lra/lrad.sock"

}  // namespace agent::shell
