#include "agent/postgres/agent_retirements.hpp"

#include <charconv>

#include "agent/postgres/primary_session.hpp"
#include "agent/postgres/server_files.hpp"

namespace agent::postgres {

using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

constexpr std::string_view retirements_statement =
    "SELECT agent, id, actor, reason, since FROM agent_retirement ORDER BY agent";

constexpr std::string_view retire_statement =
    "INSERT INTO agent_retirement (agent, id, actor, reason, since) "
    "VALUES ($1, $2, $3, $4, $5::bigint) ON CONFLICT (agent) DO UPDATE SET id = excluded.id, "
    "actor = excluded.actor, reason = excluded.reason, since = excluded.since";

constexpr std::string_view return_statement =
    "DELETE FROM agent_retirement WHERE agent = $1 AND id = $2";

}  // namespace

std::string agent_retirement_tables() {
    return "CREATE TABLE IF NOT EXISTS agent_retirement (agent TEXT PRIMARY KEY, id TEXT NOT NULL, "
           "actor TEXT NOT NULL, reason TEXT NOT NULL, since BIGINT NOT NULL)";
}

Result<std::vector<AgentRetirement>> read_agent_retirements(PrimarySession& session) {
    const auto rows = session.read(retirements_statement, {});
    if (!rows) return rows.error();
    std::vector<AgentRetirement> retirements;
    for (const auto& row : *rows) {
        AgentRetirement retirement{row[0], row[1], row[2], row[3], {}};
        std::from_chars(row[4].data(), row[4].data() + row[4].size(), retirement.since.ms);
        retirements.push_back(std::move(retirement));
    }
    return retirements;
}

Outcome put_agent_retirement(PrimarySession& session, const AgentRetirement& retirement) {
    const auto put =
        session.write(retire_statement, {retirement.agent, retirement.id, retirement.actor,
                                         retirement.reason, std::to_string(retirement.since.ms)});
    if (!put) return put.error();
    return Nothing{};
}

Outcome end_agent_retirement(PrimarySession& session, const AgentRetirement& retirement) {
    const auto ended = session.write(return_statement, {retirement.agent, retirement.id});
    if (!ended) return ended.error();
    return Nothing{};
}

}  // namespace agent::postgres
