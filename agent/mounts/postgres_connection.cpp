#include "agent/mounts/postgres_connection.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace agent::mounts {

using core::Duration;
using core::Error;
using core::Result;
using postgres::one_line;

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

int ms_until(SteadyTime end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          end - std::chrono::steady_clock::now())
                          .count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// One server on its way to be known.
struct Candidate {
    PostgresConnection connection;
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    bool asked = false;  // connected, and asked whether it is a standby
    std::string trouble;

    [[nodiscard]] bool is_out() const { return !trouble.empty(); }
};

void give_up(Candidate& candidate, std::string why) {
    candidate.trouble = one_line(std::move(why));
    candidate.connection.reset();
}

void ask_whether_standby(Candidate& candidate) {
    candidate.asked = true;
    if (PQsendQuery(candidate.connection.get(), "SELECT pg_is_in_recovery()") == 0)
        give_up(candidate, PQerrorMessage(candidate.connection.get()));
}

// true: it is the primary.
bool go_on(Candidate& candidate) {
    PGconn* connection = candidate.connection.get();
    if (!candidate.asked) {
        candidate.wants = PQconnectPoll(connection);
        if (candidate.wants == PGRES_POLLING_FAILED) give_up(candidate, PQerrorMessage(connection));
        if (candidate.wants == PGRES_POLLING_OK) ask_whether_standby(candidate);
        return false;
    }
    if (PQconsumeInput(connection) == 0) {
        give_up(candidate, PQerrorMessage(connection));
        return false;
    }
    if (PQisBusy(connection) != 0) return false;
    bool standby = true;
    std::string words = "it is a standby";
    while (PGresult* raw = PQgetResult(connection)) {
        const PostgresResult result(raw);
        if (!is_good(result)) words = words_of(result);
        if (is_good(result) && PQntuples(raw) == 1)
            standby = std::strcmp(PQgetvalue(raw, 0, 0), "f") != 0;
        if (PQisBusy(connection) != 0) break;
    }
    if (standby) give_up(candidate, words);
    return !standby;
}

std::vector<Candidate> begin_all(const std::vector<std::string>& servers) {
    std::vector<Candidate> candidates;
    for (const auto& server : servers) {
        Candidate candidate;
        if (auto begun = postgres::begin_connection(server); !begun) {
            candidate.trouble = begun.error().message;
        } else {
            candidate.connection = std::move(begun).value();
        }
        if (candidate.connection && PQstatus(candidate.connection.get()) == CONNECTION_BAD)
            give_up(candidate, PQerrorMessage(candidate.connection.get()));
        candidates.push_back(std::move(candidate));
    }
    return candidates;
}

Error nobody_is_primary(const std::vector<Candidate>& candidates) {
    std::string words;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        words += (i == 0 ? "" : "; ") + std::string("mounts.database[") + std::to_string(i) +
                 "]: " + (candidates[i].is_out() ? candidates[i].trouble : "it does not answer");
    }
    return Error{"no database server takes writes: " + words};
}

}  // namespace

Result<PostgresConnection> connect_to_primary(const std::vector<std::string>& servers,
                                              Duration within) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(within.ms);
    auto candidates = begin_all(servers);
    for (;;) {
        std::vector<pollfd> waits;
        std::vector<Candidate*> waiting;
        for (auto& candidate : candidates) {
            if (candidate.is_out()) continue;
            const bool writes = !candidate.asked && candidate.wants == PGRES_POLLING_WRITING;
            waits.push_back({PQsocket(candidate.connection.get()),
                             static_cast<short>(writes ? POLLOUT : POLLIN), 0});
            waiting.push_back(&candidate);
        }
        const int left = ms_until(end);
        if (waits.empty() || left == 0) return nobody_is_primary(candidates);
        if (::poll(waits.data(), static_cast<nfds_t>(waits.size()), left) < 0) continue;
        for (std::size_t i = 0; i < waits.size(); ++i) {
            if (waits[i].revents == 0 || !go_on(*waiting[i])) continue;
            if (auto set = send_without_waiting(waiting[i]->connection.get()); !set)
                return set.error();
            return std::move(waiting[i]->connection);
        }
    }
}

}  // namespace agent::mounts
