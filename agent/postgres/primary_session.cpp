#include "agent/postgres/primary_session.hpp"

#include <utility>

#include "agent/postgres/agent_retirements.hpp"
#include "agent/postgres/agent_words.hpp"
#include "agent/postgres/host_ledgers.hpp"
#include "agent/postgres/host_names.hpp"
#include "agent/postgres/offline_marks.hpp"
#include "agent/postgres/request_box.hpp"
#include "agent/postgres/server_files.hpp"

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;
using Mode = runtime::PairDatabaseConfiguration::Mode;

namespace {

constexpr Duration connected_within{2'000};
constexpr Duration read_within{5'000};
constexpr Duration written_within{10'000};

// As epoch_record.cpp: a session's own settings may have been changed for its user.
constexpr std::string_view shared_session_settings =
    "SET synchronous_commit = on; SET client_min_messages = warning; SET statement_timeout = 0; "
    "SET lock_timeout = '5s'; SET client_connection_check_interval = '2s'";

// So that two sessions of this node do not make the same table at the same time.
constexpr std::string_view tables_lock = "4953";

// Data exception, integrity constraint violation, object not in prerequisite state (a lock that was
// not had in time): classes of SQLSTATE, PostgreSQL 15, Appendix A.
bool is_about_the_row(const std::string& state) {
    return state.starts_with("22") || state.starts_with("23") || state.starts_with("55");
}

// Undefined table or column: the server's data are of before they were made, as after a rewind.
bool is_about_tables(const std::string& state) {
    return state == "42P01" || state == "42703";
}

}  // namespace

PrimarySession::PrimarySession(runtime::PairDatabaseConfiguration configuration,
                               Interrupted interrupted)
    : configuration_(std::move(configuration)), interrupted_(std::move(interrupted)) {}

Outcome PrimarySession::try_server(const std::string& connection) {
    session_.reset();
    auto opened = ServerSession::open(connection, connected_within, interrupted_);
    if (!opened) return opened.error();
    const auto standby = opened.value()->run("SELECT pg_is_in_recovery()", {}, read_within);
    if (!standby) return standby.error();
    if (standby->front().front() != "f") return Error{"it is a standby"};
    const auto set = opened.value()->run(shared_session_settings, {}, read_within);
    if (!set) return set.error();
    session_ = std::move(opened).value();
    return Nothing{};
}

Outcome PrimarySession::make_tables() {
    if (std::exchange(tables_made_, true)) return Nothing{};
    std::string sql = "SELECT pg_advisory_lock(" + std::string(tables_lock) + "); " +
                      offline_mark_tables() + "; " + agent_retirement_tables() + "; " +
                      agent_word_tables() + "; " + host_ledger_tables() + "; " +
                      host_names_tables() + "; " + request_box_tables() + "; ";
    if (configuration_.mode == Mode::pair) {
        sql +=
            "GRANT SELECT, INSERT, UPDATE, DELETE ON offline_mark, agent_retirement, agent_word, "
            "host_names, pair_request TO " +
            std::string(peer_role) + "; ";
    }
    const auto made = session_->run(sql + "SELECT pg_advisory_unlock_all()", {}, written_within);
    if (made) return Nothing{};
    tables_made_ = false;
    session_.reset();
    return made.error().within("the tables of the pair");
}

// Either node is at home there.
Outcome PrimarySession::connect_to_site() {
    std::string all;
    for (const auto& connection : configuration_.servers) {
        const auto tried = try_server(connection);
        own_ = tried.ok();
        if (tried) return make_tables();
        all += (all.empty() ? "" : "; ") + tried.error().message;
    }
    return Error{"no server takes writes: " + all};
}

Outcome PrimarySession::connect(bool own_only) {
    if (configuration_.mode == Mode::external) return connect_to_site();
    const auto own = try_server(own_connection(configuration_, owner_role, database_name));
    own_ = own.ok();
    if (own) return make_tables();
    if (own_only) return own.error().within("this node's server");
    auto other = try_server(peer_connection(configuration_, "lrad") +
                            " dbname=" + std::string(database_name));
    if (other) return other;
    return Error{"no server takes writes: this node's: " + own.error().message +
                 "; the other's: " + other.error().message};
}

void PrimarySession::forget_session() {
    if (is_about_tables(session_->state())) tables_made_ = false;
    session_.reset();
}

bool PrimarySession::answers() {
    if (session_ && !session_->run("SELECT 1", {}, connected_within)) session_.reset();
    return session_ != nullptr;
}

Result<Rows> PrimarySession::read(std::string_view sql,
                                  const std::vector<std::string>& parameters) {
    if (!session_) {
        if (auto connected = connect(false); !connected) return connected.error();
    }
    auto rows = session_->run(sql, parameters, read_within);
    if (!rows) forget_session();
    return rows;
}

Result<Rows> PrimarySession::write(std::string_view sql,
                                   const std::vector<std::string>& parameters) {
    refused_ = false;
    if (!session_) {
        if (auto connected = connect(false); !connected) return connected.error();
    }
    session_->forget_warning();
    auto rows = session_->run(sql, parameters, written_within);
    if (rows && session_->warning().empty()) return rows;
    // A wait for the other node that was cancelled ends with a warning: it is on one disk only.
    const auto error = rows ? Error{session_->warning()} : rows.error();
    refused_ = !rows && is_about_the_row(session_->state());
    forget_session();
    return error;
}

}  // namespace agent::postgres
