#include "agent/postgres/request_box.hpp"

#include <charconv>

#include "agent/postgres/primary_session.hpp"
#include "agent/postgres/server_files.hpp"

namespace agent::postgres {

using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

constexpr std::int64_t answer_kept_ms = 3'600'000;

std::string in_one_text(const std::vector<std::string>& ids) {
    std::string text;
    for (const auto& id : ids)
        text += (text.empty() ? "" : " ") + id;
    return text;
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
           "GRANT SELECT, INSERT, UPDATE, DELETE ON pair_request TO " +
           std::string(peer_role);
}

Outcome put_request(PrimarySession& session, const BoxedRequest& request) {
    return without_rows(
        session.write("INSERT INTO pair_request (id, node, method, parameters, asker, asked_at) "
                      "VALUES ($1, $2, $3, $4, $5, $6::bigint) ON CONFLICT (id) DO NOTHING",
                      {request.id, request.node, request.method, request.parameters, request.asker,
                       std::to_string(request.asked_at.ms)}));
}

Result<std::vector<BoxedAnswer>> read_answers(PrimarySession& session,
                                              const std::vector<std::string>& ids) {
    const auto rows = session.read(
        "SELECT id, answer FROM pair_request WHERE answer IS NOT NULL AND id = "
        "ANY(string_to_array($1, ' '))",
        {in_one_text(ids)});
    if (!rows) return rows.error();
    std::vector<BoxedAnswer> answers;
    for (const auto& row : *rows)
        answers.push_back({row[0], row[1]});
    return answers;
}

Outcome drop_requests(PrimarySession& session, const std::vector<std::string>& ids) {
    return without_rows(session.write(
        "DELETE FROM pair_request WHERE id = ANY(string_to_array($1, ' '))", {in_one_text(ids)}));
}

Result<std::vector<BoxedRequest>> read_requests(PrimarySession& session) {
    const auto rows = session.read(
        "SELECT id, node, method, parameters, asker, asked_at FROM pair_request WHERE answer IS "
        "NULL ORDER BY asked_at, id LIMIT $1::bigint",
        {"256"});
    if (!rows) return rows.error();
    std::vector<BoxedRequest> requests;
    for (const auto& row : *rows) {
        std::int64_t asked = 0;
        std::from_chars(row[5].data(), row[5].data() + row[5].size(), asked);
        requests.push_back({row[0], row[1], row[2], row[3], row[4], {asked}});
    }
    return requests;
}

Outcome put_answer(PrimarySession& session, const BoxedAnswer& answer, core::WallTime now) {
    auto put = without_rows(session.write(
        "UPDATE pair_request SET answer = $2, answered_at = $3::bigint WHERE id = $1 AND answer "
        "IS NULL",
        {answer.id, answer.answer, std::to_string(now.ms)}));
    if (!put) return put;
    return without_rows(session.write("DELETE FROM pair_request WHERE answered_at < $1::bigint",
                                      {std::to_string(now.ms - answer_kept_ms)}));
}

}  // namespace agent::postgres
