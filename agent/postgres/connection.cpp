#include "agent/postgres/connection.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Result;

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// What is left, at most `slice_ms` when somebody may want to end the waiting.
int ms_to_wait(SteadyTime end, const Interrupted& interrupted) {
    constexpr std::int64_t slice_ms = 50;
    const std::int64_t left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now())
            .count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, interrupted ? slice_ms : 60'000));
}

SteadyTime end_of(Duration within) {
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(within.ms);
}

// Until a result can be taken.
core::Outcome wait_for_answer(PGconn* connection, SteadyTime end, const Interrupted& interrupted) {
    while (PQisBusy(connection) != 0) {
        const int left = ms_to_wait(end, interrupted);
        if (left == 0) return Error{"the database did not answer in time"};
        if (interrupted && interrupted()) return Error{"given up"};
        pollfd wait{PQsocket(connection), POLLIN, 0};
        if (PQflush(connection) == 1) wait.events |= POLLOUT;
        if (::poll(&wait, 1, left) <= 0) continue;
        if (PQconsumeInput(connection) == 0) return Error{one_line(PQerrorMessage(connection))};
    }
    return core::Nothing{};
}

}  // namespace

Result<PostgresConnection> begin_connection(const std::string& connection_string) {
    if (const auto loaded = load_libpq(); !loaded) return loaded.error();
    PostgresConnection connection(PQconnectStart(connection_string.c_str()));
    if (!connection) return Error{"no memory"};
    return connection;
}

Result<PostgresConnection> connect_to_server(const std::string& connection_string, Duration within,
                                             const Interrupted& interrupted) {
    const auto end = end_of(within);
    auto begun = begin_connection(connection_string);
    if (!begun) return begun;
    auto connection = std::move(begun).value();
    auto wants = PGRES_POLLING_WRITING;
    while (PQstatus(connection.get()) != CONNECTION_BAD) {
        const int left = ms_to_wait(end, interrupted);
        if (left == 0) return Error{"the server does not answer"};
        if (interrupted && interrupted()) return Error{"given up"};
        const bool writes = wants == PGRES_POLLING_WRITING;
        pollfd wait{PQsocket(connection.get()), static_cast<short>(writes ? POLLOUT : POLLIN), 0};
        if (::poll(&wait, 1, left) <= 0) continue;
        wants = PQconnectPoll(connection.get());
        if (wants == PGRES_POLLING_OK) {
            if (auto set = send_without_waiting(connection.get()); !set) return set.error();
            return connection;
        }
        if (wants == PGRES_POLLING_FAILED) break;
    }
    return Error{one_line(PQerrorMessage(connection.get()))};
}

core::Outcome send_without_waiting(PGconn* connection) {
    if (PQsetnonblocking(connection, 1) != 0) return Error{one_line(PQerrorMessage(connection))};
    return core::Nothing{};
}

Result<PostgresResult> result_of_sent(PGconn* connection, Duration within,
                                      const Interrupted& interrupted) {
    const auto end = end_of(within);
    PostgresResult last;
    for (;;) {
        if (auto ready = wait_for_answer(connection, end, interrupted); !ready)
            return ready.error();
        PGresult* result = PQgetResult(connection);
        if (result == nullptr) break;
        last.reset(result);
    }
    if (PQstatus(connection) != CONNECTION_OK) return Error{one_line(PQerrorMessage(connection))};
    if (!last) return Error{"the database gave no answer"};
    return last;
}

Result<std::vector<PostgresResult>> results_of_trip(PGconn* connection, std::size_t count,
                                                    Duration within) {
    const auto end = end_of(within);
    std::vector<PostgresResult> results;
    bool between = true;  // nothing comes behind each statement's result, once
    for (;;) {
        if (auto ready = wait_for_answer(connection, end, {}); !ready) return ready.error();
        PostgresResult result(PQgetResult(connection));
        if (PQstatus(connection) != CONNECTION_OK)
            return Error{one_line(PQerrorMessage(connection))};
        if (!result && between) return Error{"the database gave no answer"};
        between = !result;
        if (!result) continue;
        if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) break;
        results.push_back(std::move(result));
    }
    if (results.size() != count || PQexitPipelineMode(connection) == 0)
        return Error{"the database gave another number of answers than it was asked for"};
    return results;
}

bool is_good(const PostgresResult& result) {
    const auto status = PQresultStatus(result.get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

std::string words_of(const PostgresResult& result) {
    return one_line(PQresultErrorMessage(result.get()));
}

std::string sql_state_of(const PostgresResult& result) {
    const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    return state == nullptr ? "" : state;
}

std::string one_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

}  // namespace agent::postgres
