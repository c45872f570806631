#include "agent/postgres/host_ledgers.hpp"

#include <charconv>
#include <utility>

#include "agent/postgres/primary_session.hpp"

namespace agent::postgres {

using core::Error;
using core::HostLedgerRow;
using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

constexpr std::string_view ledger_columns =
    "SELECT drive, present, done, online_may_come, epoch, sequence, controller, at, reason, "
    "application_name, runs_for, put_at, agent FROM host_ledger ";

// A statement of the node that served before may come late too: its snapshot has an older epoch.
constexpr std::string_view claim_statement =
    "INSERT INTO host_ledger_claim AS claim (single, number, epoch) "
    "SELECT true, 1, epoch FROM pair_epoch WHERE node = $1 "
    "ON CONFLICT (single) DO UPDATE SET number = claim.number + 1, epoch = excluded.epoch "
    "WHERE claim.epoch <= excluded.epoch RETURNING number";

constexpr std::string_view put_ledger_statement =
    "INSERT INTO host_ledger (agent, drive, present, done, online_may_come, epoch, sequence, "
    "controller, at, reason, application_name, runs_for, put_at, number) "
    "SELECT $1, $2, $3::boolean, $4::boolean, $5::boolean, $6::numeric, $7::numeric, $8, "
    "$9::bigint, $10, $11, $12::bigint, $13::bigint, $14::numeric "
    "FROM host_ledger_claim AS claim, pair_epoch WHERE claim.number = $15::bigint AND "
    "pair_epoch.node = $16 FOR SHARE OF claim "
    "ON CONFLICT (agent, drive) DO UPDATE SET present = excluded.present, done = excluded.done, "
    "online_may_come = excluded.online_may_come, epoch = excluded.epoch, "
    "sequence = excluded.sequence, controller = excluded.controller, at = excluded.at, "
    "reason = excluded.reason, application_name = excluded.application_name, "
    "runs_for = excluded.runs_for, put_at = excluded.put_at, number = excluded.number "
    "WHERE host_ledger.number < excluded.number RETURNING number";

constexpr std::string_view strike_out_statement =
    "WITH claimed AS (SELECT claim.number FROM host_ledger_claim AS claim, pair_epoch "
    "WHERE claim.number = $3::bigint AND pair_epoch.node = $5 FOR SHARE OF claim), "
    "struck AS (UPDATE host_ledger SET present = false, online_may_come = false, "
    "put_at = $2::bigint, number = $4::numeric FROM claimed WHERE agent = $1) "
    "SELECT number FROM claimed";

constexpr std::string_view not_ours =
    "the other node serves by the record in the database, or somebody has claimed the rows since";

template <typename Number>
Number ledger_number(const std::string& text) {
    Number value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string ledger_flag(bool value) {
    return value ? "t" : "f";
}

HostLedgerRow row_of(const Row& columns) {
    HostLedgerRow row;
    row.agent = columns[12];
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
    row.put_at.ms = ledger_number<std::int64_t>(columns[11]);
    return row;
}

}  // namespace

// Numbers of notices use all of 64 bits, which no integer of PostgreSQL does. A column is not added
// where it is there: that would wait for every statement that is under way.
std::string host_ledger_tables() {
    return "CREATE TABLE IF NOT EXISTS host_ledger (agent TEXT NOT NULL, drive TEXT NOT NULL, "
           "present BOOLEAN NOT NULL, done BOOLEAN NOT NULL, online_may_come BOOLEAN NOT NULL, "
           "epoch NUMERIC(20) NOT NULL, sequence NUMERIC(20) NOT NULL, controller TEXT NOT NULL, "
           "at BIGINT NOT NULL, reason TEXT NOT NULL, application_name TEXT NOT NULL, "
           "runs_for BIGINT NOT NULL, number NUMERIC(20) NOT NULL, "
           "put_at BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (agent, drive)); "
           "DO $made$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE "
           "attrelid = 'host_ledger'::regclass AND attname = 'put_at') THEN "
           "ALTER TABLE host_ledger ADD COLUMN put_at BIGINT NOT NULL DEFAULT 0; "
           "END IF; END $made$; "
           "CREATE TABLE IF NOT EXISTS host_ledger_claim (single BOOLEAN PRIMARY KEY "
           "CHECK (single), number BIGINT NOT NULL, epoch BIGINT NOT NULL)";
}

HostLedgerRows::HostLedgerRows(PrimarySession& session, std::string node)
    : session_(session), node_(std::move(node)) {}

Outcome HostLedgerRows::claim() {
    if (claim_) return Nothing{};
    const auto claimed = session_.write(claim_statement, {node_});
    if (!claimed) return claimed.error();
    if (claimed->empty()) {
        return Error{
            "the other node serves by the record in the database, or has served under a later "
            "epoch (table host_ledger_claim)"};
    }
    claim_ = ledger_number<std::uint32_t>(claimed->front().front());
    put_ = 0;
    return Nothing{};
}

std::string HostLedgerRows::next_number() {
    return std::to_string((std::uint64_t{*claim_} << 32U) + ++put_);
}

Result<HostLedgerRows::Rows> HostLedgerRows::read_rows(std::string_view which,
                                                       const std::vector<std::string>& parameters) {
    if (const auto ours = claim(); !ours) return ours.error();
    const auto found = session_.read(std::string(ledger_columns) + std::string(which), parameters);
    if (!found) {
        begin_anew();
        return found.error();
    }
    Rows rows;
    for (const auto& columns : *found)
        rows.push_back(row_of(columns));
    return rows;
}

Result<HostLedgerRows::Rows> HostLedgerRows::read(const core::AgentName& agent) {
    return read_rows("WHERE agent = $1 ORDER BY drive", {agent});
}

Result<HostLedgerRows::Rows> HostLedgerRows::read_open() {
    return read_rows("WHERE present OR online_may_come ORDER BY agent, drive", {});
}

Outcome HostLedgerRows::put(const HostLedgerRow& row) {
    if (auto ours = claim(); !ours) return ours;
    const auto& entry = row.entry;
    const auto put = session_.write(
        put_ledger_statement,
        {row.agent, entry.drive.text, ledger_flag(row.present), ledger_flag(entry.done),
         ledger_flag(row.online_may_come), std::to_string(entry.because.epoch),
         std::to_string(entry.because.sequence), entry.controller, std::to_string(entry.at.ms),
         entry.reason, row.application_name, std::to_string(row.runs_for.ms),
         std::to_string(row.put_at.ms), next_number(), std::to_string(*claim_), node_});
    if (put && !put->empty()) return Nothing{};
    begin_anew();
    if (!put) return put.error();
    return Error{std::string(not_ours)};
}

Outcome HostLedgerRows::strike_out(const core::AgentName& agent, core::WallTime now) {
    if (auto ours = claim(); !ours) return ours;
    const auto struck = session_.write(
        strike_out_statement,
        {agent, std::to_string(now.ms), std::to_string(*claim_), next_number(), node_});
    if (struck && !struck->empty()) return Nothing{};
    begin_anew();
    if (!struck) return struck.error();
    return Error{std::string(not_ours)};
}

}  // namespace agent::postgres
