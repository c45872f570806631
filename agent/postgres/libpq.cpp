#include "agent/postgres/libpq.hpp"

#include <dlfcn.h>

#include <string>

#include "agent/core/assert.hpp"

namespace agent::postgres {

namespace {

// By the name that changes with its binary interface; the packages name it as a dependency, since
// nothing finds it in the program.
constexpr const char* libpq_file = "libpq.so.5";

const core::Result<void*>& libpq() {
    static const auto loaded = load_library(libpq_file);
    return loaded;
}

// What is called `name` there: Function is what its own header says, which declares our functions
// below as well.
template <typename Function>
Function* found(const char* name) {
    AGENT_ASSERT(libpq().ok());
    void* const address = ::dlsym(libpq().value(), name);
    AGENT_ASSERT(address != nullptr);
    return reinterpret_cast<Function*>(address);
}

}  // namespace

core::Result<void*> load_library(const char* file) {
    void* const library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) return library;
    const char* const why = ::dlerror();
    return core::Error{std::string("can not load the PostgreSQL client library (Debian package "
                                   "libpq5): ") +
                       (why == nullptr ? file : why)};
}

core::Outcome load_libpq() {
    if (!libpq().ok()) return libpq().error();
    return core::Nothing{};
}

}  // namespace agent::postgres

// ---- what others call

using agent::postgres::found;

PGconn* PQconnectStart(const char* connection_string) {
    static const auto call = found<decltype(PQconnectStart)>(__func__);
    return call(connection_string);
}
PostgresPollingStatusType PQconnectPoll(PGconn* connection) {
    static const auto call = found<decltype(PQconnectPoll)>(__func__);
    return call(connection);
}
void PQfinish(PGconn* connection) {
    static const auto call = found<decltype(PQfinish)>(__func__);
    return call(connection);
}
ConnStatusType PQstatus(const PGconn* connection) {
    static const auto call = found<decltype(PQstatus)>(__func__);
    return call(connection);
}
int PQsocket(const PGconn* connection) {
    static const auto call = found<decltype(PQsocket)>(__func__);
    return call(connection);
}
int PQbackendPID(const PGconn* connection) {
    static const auto call = found<decltype(PQbackendPID)>(__func__);
    return call(connection);
}
PGTransactionStatusType PQtransactionStatus(const PGconn* connection) {
    static const auto call = found<decltype(PQtransactionStatus)>(__func__);
    return call(connection);
}
int PQenterPipelineMode(PGconn* connection) {
    static const auto call = found<decltype(PQenterPipelineMode)>(__func__);
    return call(connection);
}
int PQexitPipelineMode(PGconn* connection) {
    static const auto call = found<decltype(PQexitPipelineMode)>(__func__);
    return call(connection);
}
int PQpipelineSync(PGconn* connection) {
    static const auto call = found<decltype(PQpipelineSync)>(__func__);
    return call(connection);
}
char* PQerrorMessage(const PGconn* connection) {
    static const auto call = found<decltype(PQerrorMessage)>(__func__);
    return call(connection);
}
PQnoticeReceiver PQsetNoticeReceiver(PGconn* connection, PQnoticeReceiver receiver,
                                     void* argument) {
    static const auto call = found<decltype(PQsetNoticeReceiver)>(__func__);
    return call(connection, receiver, argument);
}
int PQsendQuery(PGconn* connection, const char* query) {
    static const auto call = found<decltype(PQsendQuery)>(__func__);
    return call(connection, query);
}
int PQsendQueryParams(PGconn* connection, const char* command, int count, const Oid* types,
                      const char* const* values, const int* lengths, const int* formats,
                      int result_format) {
    static const auto call = found<decltype(PQsendQueryParams)>(__func__);
    return call(connection, command, count, types, values, lengths, formats, result_format);
}
int PQsendPrepare(PGconn* connection, const char* statement, const char* query, int count,
                  const Oid* types) {
    static const auto call = found<decltype(PQsendPrepare)>(__func__);
    return call(connection, statement, query, count, types);
}
int PQsendQueryPrepared(PGconn* connection, const char* statement, int count,
                        const char* const* values, const int* lengths, const int* formats,
                        int result_format) {
    static const auto call = found<decltype(PQsendQueryPrepared)>(__func__);
    return call(connection, statement, count, values, lengths, formats, result_format);
}
int PQflush(PGconn* connection) {
    static const auto call = found<decltype(PQflush)>(__func__);
    return call(connection);
}
int PQisBusy(PGconn* connection) {
    static const auto call = found<decltype(PQisBusy)>(__func__);
    return call(connection);
}
int PQconsumeInput(PGconn* connection) {
    static const auto call = found<decltype(PQconsumeInput)>(__func__);
    return call(connection);
}
PGresult* PQgetResult(PGconn* connection) {
    static const auto call = found<decltype(PQgetResult)>(__func__);
    return call(connection);
}
void PQclear(PGresult* result) {
    static const auto call = found<decltype(PQclear)>(__func__);
    return call(result);
}
ExecStatusType PQresultStatus(const PGresult* result) {
    static const auto call = found<decltype(PQresultStatus)>(__func__);
    return call(result);
}
char* PQresultErrorMessage(const PGresult* result) {
    static const auto call = found<decltype(PQresultErrorMessage)>(__func__);
    return call(result);
}
char* PQresultErrorField(const PGresult* result, int field) {
    static const auto call = found<decltype(PQresultErrorField)>(__func__);
    return call(result, field);
}
char* PQcmdStatus(PGresult* result) {
    static const auto call = found<decltype(PQcmdStatus)>(__func__);
    return call(result);
}
char* PQcmdTuples(PGresult* result) {
    static const auto call = found<decltype(PQcmdTuples)>(__func__);
    return call(result);
}
int PQntuples(const PGresult* result) {
    static const auto call = found<decltype(PQntuples)>(__func__);
    return call(result);
}
int PQnfields(const PGresult* result) {
    static const auto call = found<decltype(PQnfields)>(__func__);
    return call(result);
}
int PQgetisnull(const PGresult* result, int row, int column) {
    static const auto call = found<decltype(PQgetisnull)>(__func__);
    return call(result, row, column);
}
char* PQgetvalue(const PGresult* result, int row, int column) {
    static const auto call = found<decltype(PQgetvalue)>(__func__);
    return call(result, row, column);
}
