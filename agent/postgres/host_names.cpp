#include "agent/postgres/host_names.hpp"

#include "agent/postgres/primary_session.hpp"

namespace agent::postgres {

using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

constexpr std::string_view has_names_statement = "SELECT to_regclass('host_names') IS NOT NULL";
constexpr std::string_view names_statement = "SELECT node, names FROM host_names ORDER BY node";
constexpr std::string_view put_names_statement =
    "INSERT INTO host_names (node, names) VALUES ($1, $2) "
    "ON CONFLICT (node) DO UPDATE SET names = excluded.names";

}  // namespace

std::string host_names_tables() {
    return "CREATE TABLE IF NOT EXISTS host_names (node TEXT PRIMARY KEY, names TEXT NOT NULL)";
}

Result<HostNameRows> read_host_names(PrimarySession& session) {
    const auto has = session.read(has_names_statement, {});
    if (!has) return has.error();
    if (has->front().front() != "t") return HostNameRows();
    const auto rows = session.read(names_statement, {});
    if (!rows) return rows.error();
    std::map<std::string, std::string> names;
    for (const auto& row : *rows)
        names[row[0]] = row[1];
    return HostNameRows(std::move(names));
}

Outcome put_host_names(PrimarySession& session, const std::string& node, const std::string& names) {
    const auto put = session.write(put_names_statement, {node, names});
    if (!put) return put.error();
    return Nothing{};
}

}  // namespace agent::postgres
