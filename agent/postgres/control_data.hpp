#pragma once

// What a stopped server's data say of themselves: the report of pg_controldata, and where one log
// branches off another.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/pair/node.hpp"

namespace agent::postgres {

struct ControlData {
    std::uint64_t system_identifier = 0;  // made once by initdb; both nodes of a pair have the same
    std::string state;                    // "shut down", "in production", ...
    std::uint64_t checkpoint_lsn = 0;     // where the last checkpoint record begins
    std::uint64_t redo_lsn = 0;           // where a replay begins
    std::uint64_t timeline = 0;
    std::uint64_t least_lsn = 0;  // what a standby has to replay at least; 0: no standby's data
    std::uint64_t least_timeline = 0;
    bool checksums = false;
    bool operator==(const ControlData&) const = default;
};
// Of pg_controldata 15, in English.
[[nodiscard]] core::Result<ControlData> control_data_from_text(std::string_view text);

// The last record is that of an orderly stop: nothing was written behind it.
[[nodiscard]] bool is_stopped_in_order(const ControlData& data);

// "16/B374D848": two numbers of 32 bits in hexadecimal.
[[nodiscard]] std::optional<std::uint64_t> lsn_from_text(std::string_view text);
[[nodiscard]] std::string lsn_text(std::uint64_t lsn);

// Where timelines ended, as the source of the newest one tells it (TIMELINE_HISTORY).
struct TimelineEnd {
    std::uint64_t timeline = 0;
    std::uint64_t lsn = 0;
    bool operator==(const TimelineEnd&) const = default;
};
inline constexpr std::size_t timeline_ends_max = 10'000;
[[nodiscard]] core::Result<std::vector<TimelineEnd>> timeline_ends_from_text(std::string_view text);

// The log of a server that takes writes.
struct SourceLog {
    std::uint64_t system_identifier = 0;
    pair::LogPosition end;
    std::vector<TimelineEnd> history;  // of end.timeline
};
// `own` reaches beyond what it has in common with the source: it can not simply go on from there.
[[nodiscard]] bool has_diverged(const pair::LogPosition& own, const SourceLog& source);

// The process that postmaster.pid names; nothing when it names none.
[[nodiscard]] std::optional<int> process_from_pid_file(std::string_view text);

// Takes connections, says the last line of that file.
[[nodiscard]] bool is_ready_by_pid_file(std::string_view text);

}  // namespace agent::postgres
