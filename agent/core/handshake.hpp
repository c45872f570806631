#pragma once

// Who still has to confirm what. The rules are debt_table's rows; this file keeps the books they
// act on.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/debt_table.hpp"
#include "agent/core/reservation_agent_io.hpp"

namespace agent::core {

struct DebtKey {
    DriveSerial drive;
    AgentName agent;
    auto operator<=>(const DebtKey&) const = default;
};

struct HandshakeTimes {
    Duration timeout;
    std::uint32_t retries = 0;
    [[nodiscard]] Duration budget() const { return timeout * (std::int64_t{retries} + 1); }
};

// At most this many notices of one debt are remembered; beyond that the newest takes the place of
// the last one. The oldest stays, for the clock runs from it.
inline constexpr std::size_t unconfirmed_notices_max = 64;

// "draining" restarts the clock of one debt this often.
inline constexpr std::uint32_t draining_extensions_max = 3;

struct Debt {
    struct Unconfirmed {
        NoticeId id;
        Instant told_at;
    };
    DebtState state = DebtState::waiting;
    std::vector<Unconfirmed> unconfirmed;  // oldest first, never empty
    Instant clock;                         // the budget runs from here
    std::uint32_t retries = 0;             // since the clock started
    std::uint32_t attempts = 1;            // the newest notice was sent this often
    std::uint32_t extensions = 0;
    bool excused = false;   // not confirming makes the agent lost, and forces no drive offline
    bool received = false;  // the agent's engine has the newest notice
    std::string last_answer;
};

class Handshake {
  public:
    explicit Handshake(HandshakeTimes times) : times_(times) {}
    void set_times(HandshakeTimes times) { times_ = times; }

    // A notice was given to this agent which it has to confirm. `event` is notice or
    // agent_resynchronized. An excused debt that meets a notice which is not excused begins anew as
    // one that is not.
    DebtAction told(const DebtKey& key, DebtEvent event, NoticeId id, bool excused, Now now);

    // What the agent answered; `id` is at most the drive's newest.
    DebtAction answered(const DebtKey& key, NoticeId id, ConfirmationResult result,
                        const std::string& words, Now now);

    // agent_excused or administrator_cleared.
    DebtAction waive(const DebtKey& key, DebtEvent event);

    // From now on no drive is forced offline for this debt.
    void excuse(const DebtKey& key);

    // Debts whose timeout is over, in order of (drive, agent).
    [[nodiscard]] std::vector<std::pair<DebtKey, DebtEvent>> timeouts(Instant now) const;
    DebtAction timed_out(const DebtKey& key, DebtEvent event, Instant now);

    void received(const DebtKey& key, NoticeId id);

    [[nodiscard]] std::optional<Instant> next_wakeup() const;

    // Only what is owed; a settled debt is not in here. Borrowed until the next call that changes
    // something.
    [[nodiscard]] const std::map<DebtKey, Debt>& debts() const { return debts_; }
    [[nodiscard]] const Debt* find(const DebtKey& key) const;
    [[nodiscard]] std::vector<DebtKey> of_drive(const DriveSerial& drive) const;
    [[nodiscard]] std::vector<DebtKey> of_agent(const AgentName& agent) const;
    [[nodiscard]] DebtRecord record_of(const DebtKey& key) const;

  private:
    [[nodiscard]] Instant next_timeout(const Debt& debt) const;
    DebtAction dispatch(const DebtKey& key, DebtEvent event, NoticeId id, Instant now);

    HandshakeTimes times_;
    std::map<DebtKey, Debt> debts_;
};

}  // namespace agent::core
