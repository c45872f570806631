#pragma once

// What was set offline, or is about to be, on hosts whose agents are played by the node that serves
// (agent/core/host_ledger.hpp): a row for each drive at each host that ever was. Only that node
// writes and reads them, on its own server.
//
// Whoever begins to serve claims the rows before it reads them, so that what it has read stays what
// is there until it writes itself. A statement of the dead node that was on its way may come to its
// end much later, and begin after that end even: with an old snapshot, in which the dead node
// serves. So each statement that writes a row holds the row of the claim FOR SHARE and asks whose
// claim it is. The claim is an UPDATE of that row: it waits for every such statement that has begun
// (PostgreSQL 15, 13.3.2: FOR SHARE and UPDATE conflict), and any that has not finds, when it gets
// its lock, the new claim in the row (13.2.1: READ COMMITTED evaluates its WHERE again) and writes
// nothing. A row that was never there before is guarded by this too, which no lock of its own
// could.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/host_ledger.hpp"
#include "agent/core/result.hpp"

namespace agent::postgres {

class PrimarySession;

// SQL that makes what is missing.
[[nodiscard]] std::string host_ledger_tables();

// The rows, for one node while it serves. Blocks as its session does; one thread. After an error
// nobody can say whether a row was put, and the next call claims the rows anew, which waits for
// what may still come.
class HostLedgerRows {
  public:
    using Rows = std::vector<core::HostLedgerRow>;

    // `session` is borrowed for as long as this lives. `node`: "first" or "second".
    HostLedgerRows(PrimarySession& session, std::string node);

    // Another life of this node: what the one before has begun may still come.
    void begin_anew() { claim_.reset(); }
    // Of one host.
    [[nodiscard]] core::Result<Rows> read(const core::AgentName& agent);
    // Of all hosts, those in which a drive is offline or may be brought online by a late command.
    [[nodiscard]] core::Result<Rows> read_open();
    // Well: it is on every disk that commits wait for. Nothing is written, which is an error, when
    // somebody else has claimed the rows or the record of the epoch names the other node.
    [[nodiscard]] core::Outcome put(const core::HostLedgerRow& row);
    // Strikes out what the rows of a host say; they stay, so that an older word does not count.
    [[nodiscard]] core::Outcome strike_out(const core::AgentName& agent, core::WallTime now);

  private:
    [[nodiscard]] core::Outcome claim();
    [[nodiscard]] core::Result<Rows> read_rows(std::string_view which,
                                               const std::vector<std::string>& parameters);
    // Higher than that of every statement of ours, and of every claim before this one.
    [[nodiscard]] std::string next_number();

    PrimarySession& session_;
    std::string node_;
    std::optional<std::uint32_t> claim_;
    std::uint32_t put_ = 0;  // since the claim
};

}  // namespace agent::postgres
