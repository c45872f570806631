#include "agent/postgres/libpq.hpp"

#include <dlfcn.h>

#include <array>
#include <string>
#include <string_view>

#include "agent/core/assert.hpp"

namespace agent::postgres {

namespace {

// By the name that changes with its binary interface; the packages name it as a dependency, since
// nothing finds it in the program.
constexpr const char* libpq_file = "libpq.so.5";

// All that is passed on below.
constexpr std::array names = {
    "PQconnectStart",
    "PQconnectPoll",
    "PQfinish",
    "PQstatus",
    "PQsocket",
    "PQbackendPID",
    "PQtransactionStatus",
    "PQsetnonblocking",
    "PQenterPipelineMode",
    "PQexitPipelineMode",
    "PQpipelineSync",
    "PQerrorMessage",
    "PQsetNoticeReceiver",
    "PQsendQuery",
    "PQsendQueryParams",
    "PQsendPrepare",
    "PQsendQueryPrepared",
    "PQflush",
    "PQisBusy",
    "PQconsumeInput",
    "PQgetResult",
    "PQclear",
    "PQresultStatus",
    "PQresultErrorMessage",
    "PQresultErrorField",
    "PQcmdStatus",
    "PQcmdTuples",
    "PQntuples",
    "PQnfields",
    "PQgetisnull",
    "PQgetvalue",
};

// Where a function is in what load_functions() gives. One that is not among the names does not
// compile.
consteval std::size_t place_of(std::string_view name) {
    std::size_t place = 0;
    while (names.at(place) != name)
        ++place;
    return place;
}

const core::Result<std::vector<void*>>& libpq() {
    static const auto loaded = load_functions(libpq_file, names);
    return loaded;
}

// Function is what libpq's own header says, which declares our functions below as well.
template <typename Function>
Function* found(std::size_t place) {
    AGENT_ASSERT(libpq().ok());
    return reinterpret_cast<Function*>(libpq().value()[place]);
}

}  // namespace

core::Result<std::vector<void*>> load_functions(const char* file,
                                                std::span<const char* const> wanted) {
    void* const library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* const why = ::dlerror();
        return core::Error{std::string("can not load the PostgreSQL client library (Debian "
                                       "package libpq5): ") +
                           (why == nullptr ? file : why)};
    }
    std::vector<void*> functions;
    for (const char* const name : wanted) {
        functions.push_back(::dlsym(library, name));
        if (functions.back() == nullptr)
            return core::Error{std::string("libpq is too old: no ") + name + " in " + file};
    }
    return functions;
}

core::Outcome load_libpq() {
    if (!libpq().ok()) return libpq().error();
    return core::Nothing{};
}

std::span<const char* const> libpq_functions() {
    return names;
}

}  // namespace agent::postgres

// ---- what others call

using agent::postgres::found;
using agent::postgres::place_of;

PGconn* PQconnectStart(const char* connection_string) {
    static const auto call = found<decltype(PQconnectStart)>(place_of(__func__));
    return call(connection_string);
}
PostgresPollingStatusType PQconnectPoll(PGconn* connection) {
    static const auto call = found<decltype(PQconnectPoll)>(place_of(__func__));
    return call(connection);
}
void PQfinish(PGconn* connection) {
    static const auto call = found<decltype(PQfinish)>(place_of(__func__));
    return call(connection);
}
ConnStatusType PQstatus(const PGconn* connection) {
    static const auto call = found<decltype(PQstatus)>(place_of(__func__));
    return call(connection);
}
int PQsocket(const PGconn* connection) {
    static const auto call = found<decltype(PQsocket)>(place_of(__func__));
    return call(connection);
}
int PQbackendPID(const PGconn* connection) {
    static const auto call = found<decltype(PQbackendPID)>(place_of(__func__));
    return call(connection);
}
PGTransactionStatusType PQtransactionStatus(const PGconn* connection) {
    static const auto call = found<decltype(PQtransactionStatus)>(place_of(__func__));
    return call(connection);
}
int PQsetnonblocking(PGconn* connection, int nonblocking) {
    static const auto call = found<decltype(PQsetnonblocking)>(place_of(__func__));
    return call(connection, nonblocking);
}
int PQenterPipelineMode(PGconn* connection) {
    static const auto call = found<decltype(PQenterPipelineMode)>(place_of(__func__));
    return call(connection);
}
int PQexitPipelineMode(PGconn* connection) {
    static const auto call = found<decltype(PQexitPipelineMode)>(place_of(__func__));
    return call(connection);
}
int PQpipelineSync(PGconn* connection) {
    static const auto call = found<decltype(PQpipelineSync)>(place_of(__func__));
    return call(connection);
}
char* PQerrorMessage(const PGconn* connection) {
    static const auto call = found<decltype(PQerrorMessage)>(place_of(__func__));
    return call(connection);
}
PQnoticeReceiver PQsetNoticeReceiver(PGconn* connection, PQnoticeReceiver receiver,
                                     void* argument) {
    static const auto call = found<decltype(PQsetNoticeReceiver)>(place_of(__func__));
    return call(connection, receiver, argument);
}
int PQsendQuery(PGconn* connection, const char* query) {
    static const auto call = found<decltype(PQsendQuery)>(place_of(__func__));
    return call(connection, query);
}
int PQsendQueryParams(PGconn* connection, const char* command, int count, const Oid* types,
                      const char* const* values, const int* lengths, const int* formats,
                      int result_format) {
    static const auto call = found<decltype(PQsendQueryParams)>(place_of(__func__));
    return call(connection, command, count, types, values, lengths, formats, result_format);
}
int PQsendPrepare(PGconn* connection, const char* statement, const char* query, int count,
                  const Oid* types) {
    static const auto call = found<decltype(PQsendPrepare)>(place_of(__func__));
    return call(connection, statement, query, count, types);
}
int PQsendQueryPrepared(PGconn* connection, const char* statement, int count,
                        const char* const* values, const int* lengths, const int* formats,
                        int result_format) {
    static const auto call = found<decltype(PQsendQueryPrepared)>(place_of(__func__));
    return call(connection, statement, count, values, lengths, formats, result_format);
}
int PQflush(PGconn* connection) {
    static const auto call = found<decltype(PQflush)>(place_of(__func__));
    return call(connection);
}
int PQisBusy(PGconn* connection) {
    static const auto call = found<decltype(PQisBusy)>(place_of(__func__));
    return call(connection);
}
int PQconsumeInput(PGconn* connection) {
    static const auto call = found<decltype(PQconsumeInput)>(place_of(__func__));
    return call(connection);
}
PGresult* PQgetResult(PGconn* connection) {
    static const auto call = found<decltype(PQgetResult)>(place_of(__func__));
    return call(connection);
}
void PQclear(PGresult* result) {
    static const auto call = found<decltype(PQclear)>(place_of(__func__));
    return call(result);
}
ExecStatusType PQresultStatus(const PGresult* result) {
    static const auto call = found<decltype(PQresultStatus)>(place_of(__func__));
    return call(result);
}
char* PQresultErrorMessage(const PGresult* result) {
    static const auto call = found<decltype(PQresultErrorMessage)>(place_of(__func__));
    return call(result);
}
char* PQresultErrorField(const PGresult* result, int field) {
    static const auto call = found<decltype(PQresultErrorField)>(place_of(__func__));
    return call(result, field);
}
char* PQcmdStatus(PGresult* result) {
    static const auto call = found<decltype(PQcmdStatus)>(place_of(__func__));
    return call(result);
}
char* PQcmdTuples(PGresult* result) {
    static const auto call = found<decltype(PQcmdTuples)>(place_of(__func__));
    return call(result);
}
int PQntuples(const PGresult* result) {
    static const auto call = found<decltype(PQntuples)>(place_of(__func__));
    return call(result);
}
int PQnfields(const PGresult* result) {
    static const auto call = found<decltype(PQnfields)>(place_of(__func__));
    return call(result);
}
int PQgetisnull(const PGresult* result, int row, int column) {
    static const auto call = found<decltype(PQgetisnull)>(place_of(__func__));
    return call(result, row, column);
}
char* PQgetvalue(const PGresult* result, int row, int column) {
    static const auto call = found<decltype(PQgetvalue)>(place_of(__func__));
    return call(result, row, column);
}
