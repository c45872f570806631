// How a pair's cluster is made: on the first node from nothing, on the second from the first.

#include "agent/postgres/node_server.hpp"

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Nothing;
using core::Outcome;

namespace {

constexpr Duration making_within{30'000};
constexpr Duration initdb_within{300'000};

Outcome run_all(ServerSession& session, const std::vector<std::string>& statements) {
    for (const auto& statement : statements) {
        if (const auto done = session.run(statement, {}, making_within); !done) return done.error();
    }
    return Nothing{};
}

// What pg_rewind reads of its source (its manual page names these functions), the checkpoint before
// it, and whether it follows after it.
std::vector<std::string> rights_of_peer() {
    const std::string peer(peer_role);
    return {
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text, boolean, boolean) TO " + peer,
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_file(text, boolean) TO " + peer,
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text) TO " + peer,
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) "
        "TO " +
            peer,
        "GRANT pg_checkpoint TO " + peer,
        // Without it a server shows who follows it, but not how far.
        "GRANT pg_read_all_stats TO " + peer,
    };
}

}  // namespace

Outcome NodeServer::make_roles(ServerSession& session, const std::string& secret) const {
    const std::string owner(owner_role);
    return run_all(session, {
                                // The password is not to stand in the server's log.
                                "SET log_statement = none; SET log_min_error_statement = panic",
                                "CREATE ROLE " + owner + " LOGIN",
                                "CREATE ROLE " + std::string(peer_role) +
                                    " LOGIN REPLICATION PASSWORD " + quoted(secret),
                                "CREATE DATABASE " + std::string(database_name) + " OWNER " + owner,
                            });
}

Outcome NodeServer::make_tables(const std::string& cluster, const Interrupted& interrupted) const {
    auto session = own_session(interrupted, configuration_.answer_timeout);
    if (!session) return session.error();
    auto statements = rights_of_peer();
    statements.push_back("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    statements.push_back("GRANT CREATE ON SCHEMA public TO " + std::string(owner_role));
    statements.push_back(epoch_table(cluster, first_record));
    statements.push_back("GRANT SELECT ON pair_epoch TO " + std::string(owner_role));
    return run_all(**session, statements);
}

// Made beside where it is to be, so that an end in the middle leaves nothing that looks like a
// cluster.
Outcome NodeServer::make_cluster(const std::string& cluster) {
    const auto secret = runtime::read_key_file(configuration_.password_file);
    if (!secret) return secret.error();
    if (auto begun = folder_.begin_new(); !begun) return begun;
    const auto made =
        programs_.run({"initdb", "-D", folder_.paths().new_data, "--username",
                       std::string(superuser_role), "--data-checksums", "--encoding=UTF8",
                       "--locale=C", "--auth-local=peer", "--auth-host=scram-sha-256"},
                      initdb_within);
    if (!made) return made.error();
    if (auto marked = folder_.note_making(true); !marked) return marked;
    ServerFolder::remove(folder_.paths().state + "/identity");
    ServerFolder::remove(folder_.paths().state + "/copy");
    if (auto placed = folder_.put_new_in_place(); !placed) return placed;
    if (auto done = folder_.set_standby(false); !done) return done;
    if (auto done = write_settings(ServerRole::inspected, false); !done) return done;
    if (auto started = process_.start(); !started) return started;
    auto session = until_ready({}, "postgres");
    if (!session) return session.error();
    if (auto done = make_roles(**session, *secret); !done) return done;
    if (auto done = make_tables(cluster, {}); !done) return done;
    session.value().reset();
    const auto stopped = process_.stop(StopHow::in_order, configuration_.stop_timeout);
    if (!stopped.down || stopped.killed) return Error{"the new server does not stop"};
    if (auto noted = folder_.note_primary(true); !noted) return noted;
    const auto report = programs_.control_report();
    if (!report) return report.error();
    const auto control = control_data_from_text(*report);
    if (!control) return control.error();
    return making_ends(control->system_identifier);
}

Outcome NodeServer::making_ends(std::uint64_t system_identifier) const {
    if (auto noted = folder_.note_identity(system_identifier); !noted) return noted;
    return folder_.note_making(false);
}

Outcome NodeServer::copy_from_peer(bool anew, const Interrupted& interrupted) {
    auto source = ask_source(interrupted);
    if (!source) return source.error();
    const auto known = folder_.identity();
    if (!anew && known && *known != source->log.system_identifier) {
        return Error{
            "the data here were those of another pair's server, with the system identifier " +
            std::to_string(*known) + "; the server at " + configuration_.peer_address + " has " +
            std::to_string(source->log.system_identifier) +
            ". If that is right, lrad --init-pair-anew"};
    }
    if (auto copied = copy(source->log.system_identifier, interrupted); !copied) return copied;
    return folder_.note_making(false);
}

}  // namespace agent::postgres
