#include "agent/postgres/host_ledgers.hpp"

#include <charconv>

#include "agent/postgres/primary_session.hpp"

namespace agent::postgres {

using core::HostLedgerRow;
using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

constexpr std::string_view ledger_statement =
    "SELECT drive, present, done, online_may_come, epoch, sequence, controller, at, reason, "
    "application_name, runs_for FROM host_ledger WHERE agent = $1 ORDER BY drive";

constexpr std::string_view newest_number_statement =
    "SELECT coalesce(max(number), 0) FROM host_ledger";

constexpr std::string_view put_ledger_statement =
    "INSERT INTO host_ledger (agent, drive, present, done, online_may_come, epoch, sequence, "
    "controller, at, reason, application_name, runs_for, number) "
    "SELECT $1, $2, $3::boolean, $4::boolean, $5::boolean, $6::numeric, $7::numeric, $8, "
    "$9::bigint, $10, $11, $12::bigint, $13::numeric FROM pair_epoch WHERE node = $14 "
    "ON CONFLICT (agent, drive) DO UPDATE SET present = excluded.present, done = excluded.done, "
    "online_may_come = excluded.online_may_come, epoch = excluded.epoch, "
    "sequence = excluded.sequence, controller = excluded.controller, at = excluded.at, "
    "reason = excluded.reason, application_name = excluded.application_name, "
    "runs_for = excluded.runs_for, number = excluded.number "
    "WHERE host_ledger.number < excluded.number RETURNING number";

template <typename Number>
Number ledger_number(const std::string& text) {
    Number value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string ledger_flag(bool value) {
    return value ? "t" : "f";
}

}  // namespace

// Numbers of notices use all of 64 bits, which no integer of PostgreSQL does.
std::string host_ledger_tables() {
    return "CREATE TABLE IF NOT EXISTS host_ledger (agent TEXT NOT NULL, drive TEXT NOT NULL, "
           "present BOOLEAN NOT NULL, done BOOLEAN NOT NULL, online_may_come BOOLEAN NOT NULL, "
           "epoch NUMERIC(20) NOT NULL, sequence NUMERIC(20) NOT NULL, controller TEXT NOT NULL, "
           "at BIGINT NOT NULL, reason TEXT NOT NULL, application_name TEXT NOT NULL, "
           "runs_for BIGINT NOT NULL, number NUMERIC(20) NOT NULL, PRIMARY KEY (agent, drive))";
}

Result<HostLedgers> read_host_ledger(PrimarySession& session, const core::AgentName& agent) {
    const auto newest = session.read(newest_number_statement, {});
    if (!newest) return newest.error();
    const auto found = session.read(ledger_statement, {agent});
    if (!found) return found.error();
    HostLedgers ledgers;
    ledgers.newest = ledger_number<std::uint64_t>(newest->front().front());
    for (const auto& columns : *found) {
        HostLedgerRow row;
        row.agent = agent;
        row.entry.drive.text = columns[0];
        row.present = columns[1] == "t";
        row.entry.done = columns[2] == "t";
        row.online_may_come = columns[3] == "t";
        row.entry.because = {ledger_number<std::uint64_t>(columns[4]),
                             ledger_number<std::uint64_t>(columns[5])};
        row.entry.controller = columns[6];
        row.entry.at.ms = ledger_number<std::int64_t>(columns[7]);
        row.entry.reason = columns[8];
        row.application_name = columns[9];
        row.runs_for.ms = ledger_number<std::int64_t>(columns[10]);
        ledgers.rows.push_back(std::move(row));
    }
    return ledgers;
}

Outcome put_host_ledger_row(PrimarySession& session, const HostLedgerRow& row, std::uint64_t number,
                            std::string_view node) {
    const auto& entry = row.entry;
    const auto put = session.write(
        put_ledger_statement,
        {row.agent, entry.drive.text, ledger_flag(row.present), ledger_flag(entry.done),
         ledger_flag(row.online_may_come), std::to_string(entry.because.epoch),
         std::to_string(entry.because.sequence), entry.controller, std::to_string(entry.at.ms),
         entry.reason, row.application_name, std::to_string(row.runs_for.ms),
         std::to_string(number), std::string(node)});
    if (!put) return put.error();
    if (put->empty()) {
        return core::Error{
            "the other node serves by the record in the database, or has written "
            "the row since"};
    }
    return Nothing{};
}

}  // namespace agent::postgres
