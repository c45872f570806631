#include "agent/postgres/agent_words.hpp"

#include <charconv>

#include "agent/postgres/primary_session.hpp"

namespace agent::postgres {

using core::AgentWord;
using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

constexpr std::string_view has_words_statement = "SELECT to_regclass('agent_word') IS NOT NULL";

constexpr std::string_view words_statement =
    "SELECT agent, era, incarnation, stopping FROM agent_word ORDER BY agent";

// In the order of names, since both nodes may do it at once. No name has chr(31) in it.
constexpr std::string_view put_words_statement =
    "INSERT INTO agent_word (agent, era, incarnation, stopping, node) "
    "SELECT agent, era::numeric, incarnation::numeric, stopping::boolean, $5 FROM "
    "unnest(string_to_array($1, chr(31)), string_to_array($2, chr(31)), "
    "string_to_array($3, chr(31)), string_to_array($4, chr(31))) "
    "AS said (agent, era, incarnation, stopping) ORDER BY agent "
    "ON CONFLICT (agent) DO UPDATE SET era = excluded.era, incarnation = excluded.incarnation, "
    "stopping = excluded.stopping, node = excluded.node "
    "WHERE (excluded.era, excluded.incarnation, excluded.stopping) > "
    "(agent_word.era, agent_word.incarnation, agent_word.stopping)";

std::uint64_t word_number(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

void append_column(std::string& column, const std::string& value) {
    if (!column.empty()) column += '\x1f';
    column += value;
}

}  // namespace

// Numbers of agents use all of 64 bits, which no integer of PostgreSQL does.
std::string agent_word_tables() {
    return "CREATE TABLE IF NOT EXISTS agent_word (agent TEXT PRIMARY KEY, "
           "era NUMERIC(20) NOT NULL, incarnation NUMERIC(20) NOT NULL, "
           "stopping BOOLEAN NOT NULL, node TEXT NOT NULL)";
}

Result<std::optional<std::vector<AgentWord>>> read_agent_words(PrimarySession& session) {
    const auto has = session.read(has_words_statement, {});
    if (!has) return has.error();
    if (has->front().front() != "t") return std::optional<std::vector<AgentWord>>();
    const auto rows = session.read(words_statement, {});
    if (!rows) return rows.error();
    std::vector<AgentWord> words;
    for (const auto& row : *rows)
        words.push_back({row[0], word_number(row[1]), word_number(row[2]), row[3] == "t"});
    return std::optional(std::move(words));
}

Outcome put_agent_words(PrimarySession& session, const std::vector<AgentWord>& words,
                        const std::string& node) {
    std::string agents;
    std::string eras;
    std::string incarnations;
    std::string stopping;
    for (const auto& word : words) {
        append_column(agents, word.agent);
        append_column(eras, std::to_string(word.era));
        append_column(incarnations, std::to_string(word.incarnation));
        append_column(stopping, word.stopping ? "t" : "f");
    }
    const auto put =
        session.write(put_words_statement, {agents, eras, incarnations, stopping, node});
    if (!put) return put.error();
    return Nothing{};
}

}  // namespace agent::postgres
