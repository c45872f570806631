#pragma once

// Durable state of one simulated process. What is written is on disk for certain only after sync();
// a crash before that leaves nothing of the transaction, all of it (the commit got through and
// nobody was told), or a torn part, which recovery throws away as a database does.

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/reservation_agent_io.hpp"
#include "test/sim/random.hpp"

namespace sim {

struct ControllerTables {
    std::uint64_t epoch = 0;
    std::map<agent::core::DriveSerial, agent::core::DriveRecord> drives;
    std::map<agent::core::AgentName, agent::core::AgentRecord> agents;
    std::map<std::pair<agent::core::DriveSerial, agent::core::AgentName>, agent::core::DebtRecord>
        debts;
    std::map<agent::core::AlarmKey, agent::core::Alarm> alarms;

    void apply(const agent::core::ReservationAgentEffect& effect);
    [[nodiscard]] agent::core::ReservationAgentState state() const;
};

struct HostTables {
    std::uint64_t incarnation = 0;
    std::map<agent::core::DriveSerial, agent::core::LedgerEntry> ledger;
    std::map<std::pair<agent::core::ControllerName, agent::core::DriveSerial>,
             agent::core::NoticeMark>
        marks;
    std::set<agent::core::DriveSerial> online_may_come;

    void apply(const agent::core::DriveSharingAgentEffect& effect);
    [[nodiscard]] agent::core::DriveSharingAgentState state() const;
};

template <typename Tables, typename Effect>
class Disk {
  public:
    void write(const Effect& effect) { transaction_.push_back(effect); }
    void sync() {
        for (const auto& effect : transaction_) {
            tables_.apply(effect);
        }
        transaction_.clear();
    }
    // The process is gone. `whole`: every record of the transaction had been written. True: it is
    // on disk.
    bool crash(Random& random, bool whole, bool keep_torn) {
        const bool got_through = random.below(2) == 0;
        if (keep_torn && !transaction_.empty()) {
            transaction_.resize(random.below(transaction_.size()) + 1);
            sync();
            return false;
        }
        const bool kept = whole && got_through;
        if (kept) sync();
        transaction_.clear();
        return kept;
    }
    [[nodiscard]] const Tables& tables() const { return tables_; }
    [[nodiscard]] Tables& tables_to_break() { return tables_; }  // for planted bugs and counters

  private:
    Tables tables_;
    std::vector<Effect> transaction_;
};

using ControllerDisk = Disk<ControllerTables, agent::core::ReservationAgentEffect>;
using HostDisk = Disk<HostTables, agent::core::DriveSharingAgentEffect>;

// Which effects are records?
[[nodiscard]] bool is_record(const agent::core::ReservationAgentEffect& effect);
[[nodiscard]] bool is_record(const agent::core::DriveSharingAgentEffect& effect);

}  // namespace sim
