#include "agent/postgres/request_box.hpp"

#include <charconv>
#include <initializer_list>
#include <string_view>

#include "agent/postgres/primary_session.hpp"
#include "agent/postgres/server_files.hpp"

namespace agent::postgres {

using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

// Milliseconds by the clock of the server: the nodes' own may differ from each other.
constexpr std::string_view server_now = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
constexpr std::string_view wanted_for_ms = "300000";
constexpr std::string_view cleanings_kept = "60";
constexpr const char* requests_read_max = "256";

// As string_to_array($1, chr(31)) takes them apart.
std::string in_one_text(const std::vector<std::string>& ids) {
    std::string text;
    for (const auto& id : ids)
        text.append(text.empty() ? "" : "\x1f").append(id);
    return text;
}

std::string sql_of(std::initializer_list<std::string_view> parts) {
    std::string sql;
    for (const auto part : parts)
        sql += part;
    return sql;
}

Outcome without_rows(const Result<Rows>& rows) {
    if (!rows) return rows.error();
    return Nothing{};
}

}  // namespace

std::string request_box_tables() {
    return "CREATE TABLE IF NOT EXISTS pair_request (id TEXT PRIMARY KEY, node TEXT NOT NULL, "
           "method TEXT NOT NULL, parameters TEXT NOT NULL, asker TEXT NOT NULL, asked_at BIGINT "
           "NOT NULL, answer TEXT, answered_at BIGINT); "
           "ALTER TABLE pair_request ADD COLUMN IF NOT EXISTS wanted_at BIGINT NOT NULL DEFAULT "
           "0; "
           "ALTER TABLE pair_request ADD COLUMN IF NOT EXISTS cleanings BIGINT NOT NULL DEFAULT "
           "0; "
           "ALTER TABLE pair_request ADD COLUMN IF NOT EXISTS seen_wanted_at BIGINT NOT NULL "
           "DEFAULT 0; "
           "ALTER TABLE pair_request ADD COLUMN IF NOT EXISTS means TEXT";
}

Outcome put_request(PrimarySession& session, const BoxedRequest& request) {
    return without_rows(
        session.write(sql_of({"INSERT INTO pair_request (id, node, method, parameters, asker, "
                              "asked_at, wanted_at) VALUES ($1, $2, $3, $4, $5, $6::bigint, ",
                              server_now, ") ON CONFLICT (id) DO NOTHING"}),
                      {request.id, request.node, request.method, request.parameters, request.asker,
                       std::to_string(request.asked_at.ms)}));
}

Outcome still_want_requests(PrimarySession& session, const std::vector<std::string>& ids) {
    return without_rows(
        session.write(sql_of({"UPDATE pair_request SET wanted_at = ", server_now,
                              " WHERE answer IS NULL AND id = ANY(string_to_array($1, chr(31)))"}),
                      {in_one_text(ids)}));
}

Result<std::vector<BoxedAnswer>> read_answers(PrimarySession& session,
                                              const std::vector<std::string>& ids) {
    const auto rows = session.read(
        "SELECT id, coalesce(answer, '') FROM pair_request WHERE id = "
        "ANY(string_to_array($1, chr(31)))",
        {in_one_text(ids)});
    if (!rows) return rows.error();
    std::vector<BoxedAnswer> answers;
    for (const auto& row : *rows)
        answers.push_back({row[0], row[1]});
    return answers;
}

Outcome drop_requests(PrimarySession& session, const std::vector<std::string>& ids) {
    return without_rows(
        session.write("DELETE FROM pair_request WHERE id = ANY(string_to_array($1, chr(31)))",
                      {in_one_text(ids)}));
}

// A clock that was set back must not keep old ones wanted.
Result<std::vector<BoxedRequest>> read_requests(PrimarySession& session,
                                                const std::vector<std::string>& without) {
    const auto rows = session.read(
        sql_of({"SELECT id, node, method, parameters, asker, asked_at, coalesce(means, '') ",
                "FROM pair_request WHERE answer IS NULL AND abs(wanted_at - ", server_now,
                ") <= ", wanted_for_ms,
                " AND NOT id = ANY(string_to_array($2, chr(31))) ORDER BY asked_at, id LIMIT "
                "$1::bigint"}),
        {requests_read_max, in_one_text(without)});
    if (!rows) return rows.error();
    std::vector<BoxedRequest> requests;
    for (const auto& row : *rows) {
        std::int64_t asked = 0;
        std::from_chars(row[5].data(), row[5].data() + row[5].size(), asked);
        requests.push_back({row[0], row[1], row[2], row[3], row[4], {asked}, row[6]});
    }
    return requests;
}

Result<std::string> settle_meaning(PrimarySession& session, const std::string& id,
                                   const std::string& means) {
    const auto rows = session.write(
        "UPDATE pair_request SET means = coalesce(means, $2) WHERE id = $1 AND answer IS NULL "
        "RETURNING means",
        {id, means});
    if (!rows) return rows.error();
    return rows->empty() ? std::string() : rows->front().front();
}

Outcome put_answer(PrimarySession& session, const BoxedAnswer& answer) {
    return without_rows(session.write(sql_of({"UPDATE pair_request SET answer = $2, answered_at = ",
                                              server_now, " WHERE id = $1 AND answer IS NULL"}),
                                      {answer.id, answer.answer}));
}

// Who waits writes wanted_at and nothing else: a node of an older version does as well.
Outcome clean_request_box(PrimarySession& session) {
    static constexpr std::string_view touched = "coalesce(answered_at, wanted_at)";
    return without_rows(session.write(
        sql_of({"WITH gone AS (DELETE FROM pair_request WHERE cleanings >= ", cleanings_kept,
                " AND seen_wanted_at = ", touched,
                ") UPDATE pair_request SET cleanings = CASE WHEN seen_wanted_at = ", touched,
                " THEN cleanings + 1 ELSE 1 END, seen_wanted_at = ", touched, " WHERE cleanings < ",
                cleanings_kept, " OR seen_wanted_at <> ", touched}),
        {}));
}

}  // namespace agent::postgres
