#include "agent/postgres/epoch_record.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "agent/postgres/control_data.hpp"
#include "agent/postgres/server_files.hpp"

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Result;

namespace {

// A standby's timeline is that of the newest log it has at this place: what the control file says
// is older, and the receiver says nothing when it is gone. Segments have 16 MiB.
constexpr std::string_view look_statement = R"sql(
WITH reached AS (
    SELECT CASE WHEN pg_is_in_recovery()
                THEN coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')
                ELSE pg_current_wal_flush_lsn() END AS lsn),
place AS (
    SELECT lsn, greatest(lsn - '0/0'::pg_lsn - 1, 0)::bigint AS byte FROM reached)
SELECT e.epoch, e.relation, e.node, e.cluster, pg_is_in_recovery(), p.lsn,
       CASE WHEN pg_is_in_recovery()
            THEN greatest((pg_control_checkpoint()).timeline_id,
                          (pg_control_recovery()).min_recovery_end_timeline,
                          (SELECT received_tli FROM pg_stat_wal_receiver),
                          (SELECT max(('x' || substr(name, 1, 8))::bit(32)::integer)
                             FROM pg_ls_waldir()
                            WHERE length(name) = 24 AND substr(name, 9) =
                                  upper(lpad(to_hex(p.byte >> 32), 8, '0') ||
                                        lpad(to_hex((p.byte & 4294967295) >> 24), 8, '0'))))
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer END,
       (SELECT max(CASE WHEN state <> 'streaming' THEN 0 WHEN sync_state = 'sync' THEN 2 ELSE 1 END)
          FROM pg_stat_replication WHERE application_name = $1),
       (SELECT status FROM pg_stat_wal_receiver)
  FROM pair_epoch e, place p
)sql";

std::uint64_t number_in(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// A session's own settings may have been changed for its user.
constexpr std::string_view careful_session =
    "SET synchronous_commit = on; SET client_min_messages = warning; SET statement_timeout = 0; "
    "SET lock_timeout = 0; SET idle_in_transaction_session_timeout = '60s'";

// Has the other node what is written here by now? A commit that waited for it says so itself; this
// one says it again, whatever was made of the wait.
Written seen_there(ServerSession& session, const std::string& peer, Duration within) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(within.ms);
    const auto written = session.run("SELECT pg_current_wal_flush_lsn()", {}, within);
    if (!written) return {WriteEnd::doubted, written.error().message};
    do {
        const auto there = session.run(
            "SELECT count(*) FROM pg_stat_replication WHERE application_name = $1 "
            "AND sync_state = 'sync' AND flush_lsn >= $2::pg_lsn",
            {peer, written->front().front()}, within);
        if (!there) return {WriteEnd::doubted, there.error().message};
        if (there->front().front() != "0") return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    } while (std::chrono::steady_clock::now() < end);
    return {WriteEnd::doubted, "the other node is not seen to have it"};
}

}  // namespace

namespace {

std::string table_and_row(std::string_view create, std::string_view cluster,
                          const EpochRecord& record) {
    return std::string(create) +
           " pair_epoch (single BOOLEAN PRIMARY KEY DEFAULT true CHECK (single), "
           "cluster TEXT NOT NULL, epoch BIGINT NOT NULL, relation TEXT NOT NULL, "
           "node TEXT NOT NULL, mark TEXT NOT NULL); "
           "INSERT INTO pair_epoch (cluster, epoch, relation, node, mark) VALUES (" +
           quoted(cluster) + ", " + std::to_string(record.epoch) + ", " +
           quoted(pair::to_text(record.relation)) + ", " + quoted(pair::to_text(record.primary)) +
           ", '')";
}

}  // namespace

std::string epoch_table(std::string_view cluster, const EpochRecord& record) {
    return table_and_row("CREATE TABLE", cluster, record);
}

std::string epoch_table_if_missing(std::string_view cluster, const EpochRecord& record) {
    return table_and_row("CREATE TABLE IF NOT EXISTS", cluster, record) +
           " ON CONFLICT (single) DO NOTHING";
}

std::optional<EpochRecord> record_from_row(const Row& row, std::size_t from) {
    if (row.size() < from + 3) return std::nullopt;
    EpochRecord record;
    record.epoch = number_in(row[from]);
    const auto primary = pair::node_from_text(row[from + 2]);
    if (record.epoch == 0 || !primary) return std::nullopt;
    record.primary = *primary;
    if (row[from + 1] == pair::to_text(pair::Relation::alone)) {
        record.relation = pair::Relation::alone;
    } else if (row[from + 1] != pair::to_text(pair::Relation::pair)) {
        return std::nullopt;
    }
    return record;
}

Result<ServerSeen> look_at_server(ServerSession& session, const std::string& peer,
                                  Duration within) {
    const auto rows = session.run(look_statement, {peer}, within);
    if (!rows) return rows.error();
    if (rows->size() != 1) return Error{"the table pair_epoch has no record"};
    const Row& row = rows->front();
    const auto record = record_from_row(row, 0);
    const auto lsn = lsn_from_text(row[5]);
    if (!record || !lsn) return Error{"the record in the table pair_epoch can not be read"};
    ServerSeen seen;
    seen.cluster = row[3];
    seen.recovering = row[4] == "t";
    seen.data.epoch = record->epoch;
    seen.data.relation = record->relation;
    seen.data.primary = record->primary;
    seen.data.position = {number_in(row[6]), *lsn};
    if (seen.recovering) {
        seen.data.receives = row[8] == "streaming";
    } else {
        using Standby = pair::DataSeen::Standby;
        const auto state = number_in(row[7]);
        seen.data.standby = state == 2   ? Standby::in_sync
                            : state == 1 ? Standby::streaming
                                         : Standby::none;
    }
    return seen;
}

Written write_record(ServerSession& session, const EpochRecord& record, const std::string& mark,
                     const std::string& peer, Duration within) {
    if (const auto set = session.run(careful_session, {}, within); !set)
        return {WriteEnd::doubted, set.error().message};
    if (const auto begun = session.run("BEGIN", {}, within); !begun)
        return {WriteEnd::doubted, begun.error().message};
    // Waits for another writer of the row: what that one has written stands before this then.
    const auto updated = session.run(
        "UPDATE pair_epoch SET epoch = $1::bigint, relation = $2, node = $3, mark = $4 "
        "WHERE epoch <= $1::bigint RETURNING epoch",
        {std::to_string(record.epoch), std::string(pair::to_text(record.relation)),
         std::string(pair::to_text(record.primary)), mark},
        within);
    if (!updated) {
        const bool refused = !session.state().empty() && !session.state().starts_with("57");
        return {refused ? WriteEnd::refused : WriteEnd::doubted, updated.error().message};
    }
    if (updated->size() != 1)
        return {WriteEnd::refused, "the table has the record of a later epoch"};
    session.forget_warning();
    const auto committed = session.run("COMMIT", {}, within);
    if (!committed) return {WriteEnd::doubted, committed.error().message};
    if (session.command() != "COMMIT") return {WriteEnd::doubted, "it was rolled back"};
    if (!session.warning().empty()) return {WriteEnd::doubted, session.warning()};
    if (peer.empty()) return {};
    return seen_there(session, peer, {std::min<std::int64_t>(within.ms, 2'000)});
}

}  // namespace agent::postgres
