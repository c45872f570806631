#include "drive_iface/sessions/session_ledger.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <utility>

#include "agent/core/enumerator_names.hpp"
#include "agent/runtime/database.hpp"

namespace drive_iface::sessions {

using agent::core::EnumeratorName;
using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using agent::runtime::Database;
using agent::runtime::Statement;

namespace {

constexpr std::int64_t application_id = 0x4c524153;  // "LRAS"
constexpr EnumeratorName<SessionState> state_names[] = {
    {SessionState::active, "active"},
    {SessionState::complete, "complete"},
    {SessionState::incomplete, "incomplete"},
    {SessionState::merged, "merged"},
};

// In `kept`: its segment files are still to be made. 0: deleted; 1: there.
constexpr std::int64_t kept_unmade = 2;

const char* const tables = R"(
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counter(name, value) VALUES('identifier', 0);
CREATE TABLE session(identifier INTEGER PRIMARY KEY, host TEXT NOT NULL, address TEXT NOT NULL,
                     drive TEXT NOT NULL, volume TEXT NOT NULL, start_object INTEGER NOT NULL,
                     state TEXT NOT NULL, reason TEXT NOT NULL, objects INTEGER NOT NULL,
                     filemarks INTEGER NOT NULL, bytes INTEGER NOT NULL, completion INTEGER,
                     merge_start INTEGER, volume_object INTEGER, started_ms INTEGER NOT NULL,
                     ended_ms INTEGER, kept INTEGER NOT NULL);
)";

}  // namespace

std::string_view to_text(SessionState state) {
    return agent::core::name_of(state_names, state);
}

std::optional<SessionState> session_state_from_text(std::string_view text) {
    return agent::core::value_of(state_names, text);
}

SessionLedger::SessionLedger(std::unique_ptr<Database> database) : database_(std::move(database)) {}
SessionLedger::~SessionLedger() = default;

Result<std::unique_ptr<SessionLedger>> SessionLedger::open(const std::string& file) {
    // The first start of all; what is wrong with the folder is told by opening the file.
    ::mkdir(std::filesystem::path(file).parent_path().c_str(), 0750);
    auto database = Database::open(file, {.what = "vtld's ledger of write sessions",
                                          .application_id = application_id,
                                          .version = 1,
                                          .tables = tables});
    if (!database) return database.error();
    return std::unique_ptr<SessionLedger>(new SessionLedger(std::move(database).value()));
}

Result<std::vector<LedgerRow>> SessionLedger::load() const {
    std::vector<LedgerRow> rows;
    Statement select = database_->prepare(
        "SELECT identifier, host, address, drive, volume, start_object, state, reason, objects, "
        "filemarks, bytes, completion, merge_start, volume_object, started_ms, ended_ms, kept "
        "FROM session ORDER BY identifier");
    while (true) {
        const auto more = select.step();
        if (!more) return more.error();
        if (!*more) return rows;
        LedgerRow row;
        Session& session = row.session;
        session.identifier = static_cast<std::uint32_t>(select.unsigned_number(0));
        session.host = select.text(1);
        session.address = select.text(2);
        session.drive = select.text(3);
        session.volume = select.text(4);
        session.start_object = select.unsigned_number(5);
        const auto state = session_state_from_text(select.text(6));
        if (!state) return database_->damaged("no such state of a session: " + select.text(6));
        session.state = *state;
        session.reason = select.text(7);
        session.objects = select.unsigned_number(8);
        session.filemarks = select.unsigned_number(9);
        session.bytes = select.unsigned_number(10);
        session.completion = select.optional_unsigned_number(11);
        row.merge_start = select.optional_unsigned_number(12);
        session.volume_object = select.optional_unsigned_number(13);
        session.started_ms = select.number(14);
        session.ended_ms = select.optional_number(15);
        session.kept = select.number(16) != 0;
        row.made = select.number(16) != kept_unmade;
        if (session.state != SessionState::active) session.durable_objects = session.objects;
        rows.push_back(std::move(row));
    }
}

Result<std::uint32_t> SessionLedger::begin(Session session) {
    const auto done = database_->transaction([this, &session]() -> Outcome {
        if (auto counted =
                database_->prepare("UPDATE counter SET value = value + 1 WHERE name='identifier'")
                    .run();
            !counted)
            return counted;
        Statement select = database_->prepare("SELECT value FROM counter WHERE name='identifier'");
        const auto row = select.step();
        if (!row) return row.error();
        const auto value = *row ? select.number(0) : 0;
        if (value < 1 || value > identifier_max)
            return Error{"all " + std::to_string(identifier_max) + " session identifiers are used"};
        session.identifier = static_cast<std::uint32_t>(value);
        return write({session, std::nullopt, false});
    });
    if (!done) return done.error();
    return session.identifier;
}

Outcome SessionLedger::write(const LedgerRow& row) {
    const Session& session = row.session;
    Statement insert = database_->prepare(
        "INSERT OR REPLACE INTO session VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    insert.bind(std::uint64_t{session.identifier})
        .bind(session.host)
        .bind(session.address)
        .bind(session.drive)
        .bind(session.volume)
        .bind(session.start_object)
        .bind(to_text(session.state))
        .bind(session.reason)
        .bind(session.objects)
        .bind(session.filemarks)
        .bind(session.bytes)
        .bind(session.completion)
        .bind(row.merge_start)
        .bind(session.volume_object)
        .bind(session.started_ms)
        .bind(session.ended_ms)
        .bind(!session.kept ? std::int64_t{0}
              : row.made    ? 1
                            : kept_unmade);
    return insert.run();
}

Outcome SessionLedger::save(const LedgerRow& row) {
    return database_->transaction([this, &row] { return write(row); });
}

Outcome SessionLedger::forget(std::uint32_t identifier) {
    return database_->transaction([this, identifier] {
        return database_->prepare("DELETE FROM session WHERE identifier = ?")
            .bind(std::uint64_t{identifier})
            .run();
    });
}

}  // namespace drive_iface::sessions
