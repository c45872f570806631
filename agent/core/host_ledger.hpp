#pragma once

// The ledger of a host whose agent is played by whichever of two controllers serves. It stands in
// rows that both have: what is about to be run there is in its row, and that row on every disk,
// before it is run. Deterministic, no clock, no thread, no I/O; who stores the rows is
// agent/lrad/host_ledger_rows.hpp.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/drive_sharing_agent.hpp"

namespace agent::core {

// What the rows say of one drive at one host. It stays when the entry is struck out, so that an
// older word elsewhere does not count.
struct HostLedgerRow {
    AgentName agent;
    LedgerEntry entry;
    bool present = true;  // false: the entry is struck out
    // A set_online was about to be run, and nobody has seen yet that none of ours runs any more.
    bool online_may_come = false;
    std::string application_name;  // which the drive was taken offline by
    // So long a command on that host may take effect after it was begun, at most.
    Duration runs_for{0};
    // When it was written, by the clock of who did; 0: not known.
    WallTime put_at;
    bool operator==(const HostLedgerRow&) const = default;
};

// Where the next one to play the agent begins. Whoever wrote the rows begins nothing any more; what
// it began may take effect from now on as long as it says: set_offline for each drive in the
// ledger, set_online where the row says so. Never shorter than `runs_for`.
[[nodiscard]] DriveSharingAgentState state_from(const std::vector<HostLedgerRow>& rows,
                                                Duration runs_for);

// What waited for its row. A newer notice may have come meanwhile, and the drive may be another
// host's by now: a set_online that it has overtaken is not run, and the rules, which are told so,
// look again.
struct AfterWaiting {
    DriveSharingAgentEffects run;
    std::vector<ApplicationAnswered> not_run;  // for HostLedgerLine::ended() and the rules
};
// `drives`: as the rules show them now.
[[nodiscard]] AfterWaiting after_waiting(const DriveSharingAgentEffects& released,
                                         const std::vector<HostDriveView>& drives);

// A controller that was alone has a ledger of its own; later, or before, the pair has written a row
// of the same drive. The newer one counts, by the clocks of those who wrote them.
enum class LedgerThatCounts : std::uint8_t {
    row,          // it knew of the entry: it was made from it, or is the same
    newer_row,    // and the entry is of before it
    newer_entry,  // and the row is of before it
};
[[nodiscard]] LedgerThatCounts which_counts(const LedgerEntry& entry, const HostLedgerRow& row);

// Stands between an agent's rules and what they want done. What a step wants of a drive waits until
// everything that was recorded of this drive before it is in the rows; other drives do not wait
// for it.
class HostLedgerLine {
  public:
    using NameOf = std::function<std::string(const DriveSerial&)>;

    // `name_of`: what the application calls the drive.
    HostLedgerLine(AgentName agent, NameOf name_of);

    // What the rows say, before anything else. Of each set_online that may still come it is
    // believed until `until`.
    void recall(const std::vector<HostLedgerRow>& rows, Duration runs_for, Instant now);

    // What of a step may be carried out now, in the step's order. Without its ledger entries:
    // they are for the rows.
    [[nodiscard]] DriveSharingAgentEffects take(const DriveSharingAgentEffects& step, Instant now);
    // The end of a command, before the rules hear of it.
    void ended(const ApplicationAnswered& answer, Instant now);

    // Rows to be put, whose `runs_for` is for the caller to raise to what its own commands take;
    // one of each drive at most; each is under way until put() or not_put().
    [[nodiscard]] std::vector<HostLedgerRow> due();
    // The drive's row is on every disk. What waited for it, to be carried out.
    [[nodiscard]] DriveSharingAgentEffects put(const DriveSerial& drive);
    // Nobody can say whether it is: due() has it again.
    void not_put(const DriveSerial& drive);
    [[nodiscard]] bool waits() const { return !waiting_.empty(); }

  private:
    struct Drive {
        HostLedgerRow row;         // the newest, put or to be put
        bool online_runs = false;  // a set_online of ours
        Instant online_may_come_until{INT64_MIN};
        // So long what was begun before recall() may come, and the row says at least so long.
        Instant recalled_until{INT64_MIN};
    };
    struct Queue {
        std::deque<std::variant<HostLedgerRow, DriveSharingAgentEffect>> items;
        bool under_way = false;
    };

    [[nodiscard]] Drive& known(const DriveSerial& drive);
    void put_down(const RecordLedgerEntry& effect, Instant now);
    void add_row(Drive& drive, Instant now);
    void before(const RunApplication& effect, Instant now);
    void before(const SendConfirmation& effect, Instant now);
    void act(const DriveSerial& drive, const DriveSharingAgentEffect& effect,
             DriveSharingAgentEffects& at_once);

    AgentName agent_;
    NameOf name_of_;
    std::map<DriveSerial, Drive> drives_;
    std::map<DriveSerial, Queue> waiting_;  // without those that are empty
};

}  // namespace agent::core
