#include "agent/postgres/offline_marks.hpp"

#include <charconv>

#include "agent/postgres/primary_session.hpp"
#include "agent/postgres/server_files.hpp"

namespace agent::postgres {

using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

// The serial in a name may have blanks in it; no name has this (chr(31)).
constexpr std::string_view between_names = "\x1f";

constexpr std::string_view marks_statement =
    "SELECT id, drive, since, reason, node, coalesce(ended_at, 0), ended_by FROM offline_mark "
    "WHERE ended_at IS NULL OR id = ANY(string_to_array($1, chr(31))) ORDER BY since, id";

// Values that somebody else may have written already stay as they are.
constexpr std::string_view put_statement =
    "INSERT INTO offline_mark (id, drive, since, reason, node, ended_at, ended_by) "
    "VALUES ($1, $2, $3::bigint, $4, $5, nullif($6::bigint, 0), $7) "
    "ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, ended_by = excluded.ended_by "
    "WHERE offline_mark.ended_at IS NULL AND excluded.ended_at IS NOT NULL";

constexpr std::string_view prune_statement =
    "DELETE FROM offline_mark WHERE id IN (SELECT id FROM offline_mark WHERE ended_at IS NOT NULL "
    "ORDER BY ended_at DESC OFFSET $1::bigint)";
constexpr const char* ended_marks_max = "1000";

std::int64_t mark_time(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace

std::string offline_mark_tables() {
    return "CREATE TABLE IF NOT EXISTS offline_mark (id TEXT PRIMARY KEY, drive TEXT NOT NULL, "
           "since BIGINT NOT NULL, reason TEXT NOT NULL, node TEXT NOT NULL, ended_at BIGINT, "
           "ended_by TEXT NOT NULL)";
}

Result<std::vector<OfflineMark>> read_offline_marks(PrimarySession& session,
                                                    const std::vector<std::string>& named) {
    std::string names;
    for (const auto& name : named)
        names.append(names.empty() ? "" : between_names).append(name);
    const auto rows = session.read(marks_statement, {names});
    if (!rows) return rows.error();
    std::vector<OfflineMark> marks;
    for (const auto& row : *rows) {
        OfflineMark mark{row[0], row[1], {mark_time(row[2])}, row[3], row[4], {}, row[6]};
        if (const auto ended = mark_time(row[5]); ended != 0) mark.ended_at = {ended};
        marks.push_back(std::move(mark));
    }
    return marks;
}

Outcome put_offline_mark(PrimarySession& session, const OfflineMark& mark) {
    const auto ended = mark.ended_at ? mark.ended_at->ms : 0;
    const auto put = session.write(
        put_statement, {mark.id, mark.drive, std::to_string(mark.since.ms), mark.reason, mark.node,
                        std::to_string(ended), mark.ended_by});
    if (!put) return put.error();
    if (ended != 0) {
        if (const auto pruned = session.write(prune_statement, {ended_marks_max}); !pruned)
            return pruned.error();
    }
    return Nothing{};
}

}  // namespace agent::postgres
