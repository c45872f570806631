#include "agent/postgres/server_session.hpp"

#include <cstring>
#include <utility>

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Result;

ServerSession::ServerSession(PostgresConnection connection, Interrupted interrupted)
    : connection_(std::move(connection)), interrupted_(std::move(interrupted)) {
    PQsetNoticeReceiver(connection_.get(), &ServerSession::noticed, this);
}

void ServerSession::noticed(void* self, const PGresult* result) noexcept {
    const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == nullptr || std::strcmp(severity, "WARNING") != 0) return;
    const char* words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    static_cast<ServerSession*>(self)->warning_ = words == nullptr ? "a warning" : words;
}

Result<std::unique_ptr<ServerSession>> ServerSession::open(const std::string& connection_string,
                                                           Duration within,
                                                           Interrupted interrupted) {
    auto connection = connect_to_server(connection_string, within, interrupted);
    if (!connection) return connection.error();
    return std::unique_ptr<ServerSession>(
        new ServerSession(std::move(connection).value(), std::move(interrupted)));
}

Result<Rows> ServerSession::run(std::string_view sql, const std::vector<std::string>& parameters,
                                Duration within) {
    state_.clear();
    const std::string text(sql);
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const auto& parameter : parameters)
        values.push_back(parameter.c_str());
    PGconn* connection = connection_.get();
    const int sent =
        parameters.empty()
            ? PQsendQuery(connection, text.c_str())
            : PQsendQueryParams(connection, text.c_str(), static_cast<int>(values.size()), nullptr,
                                values.data(), nullptr, nullptr, 0);
    if (sent == 0) return Error{one_line(PQerrorMessage(connection))};
    auto answered = result_of_sent(connection, within, interrupted_);
    if (!answered) return answered.error();
    const auto& result = answered.value();
    if (!is_good(result)) {
        state_ = sql_state_of(result);
        return Error{words_of(result)};
    }
    command_ = PQcmdStatus(result.get());
    Rows rows;
    for (int row = 0; row < PQntuples(result.get()); ++row) {
        auto& cells = rows.emplace_back();
        for (int column = 0; column < PQnfields(result.get()); ++column)
            cells.emplace_back(PQgetvalue(result.get(), row, column));
    }
    return rows;
}

}  // namespace agent::postgres
