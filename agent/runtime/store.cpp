#include "agent/runtime/store.hpp"

#include <algorithm>
#include <utility>

#include "agent/runtime/clock.hpp"
#include "agent/runtime/database.hpp"
#include "agent/runtime/store_tables.hpp"

namespace agent::runtime {

const std::string& shared_tables() {
    static const std::string sql = R"(
CREATE TABLE event(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, severity TEXT NOT NULL,
                   message TEXT NOT NULL, drive TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER,
                   sequence INTEGER, text TEXT NOT NULL);
CREATE INDEX event_by_drive ON event(drive, number);
CREATE TABLE audit(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL,
                   action TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit trail can not be changed'); END;
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE note(name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
)";
    return sql;
}

const std::string& shared_additions() {
    // Until the trail of programs was bounded, audit_no_delete kept every row.
    static const std::string sql = R"(
DROP TRIGGER IF EXISTS audit_no_delete;
CREATE TRIGGER IF NOT EXISTS audit_of_people_no_delete BEFORE DELETE ON audit
  WHEN OLD.actor NOT IN ('dsad','lrad')
  BEGIN SELECT RAISE(ABORT, 'the audit trail can not be shortened'); END;
CREATE INDEX IF NOT EXISTS audit_by_actor ON audit(actor);
)";
    return sql;
}

core::Outcome write_event(Database& database, const core::EventRecord& record,
                          std::size_t events_max) {
    Statement insert = database.prepare(
        "INSERT INTO event(at,severity,message,drive,agent,epoch,sequence,text) "
        "VALUES(?,?,?,?,?,?,?,?)");
    insert.bind(record.at.ms)
        .bind(core::to_text(record.severity))
        .bind(record.message)
        .bind(record.drive.text)
        .bind(record.agent);
    if (record.notice) {
        insert.bind(record.notice->epoch).bind(record.notice->sequence);
    } else {
        insert.bind_null().bind_null();
    }
    core::Outcome outcome = insert.bind(record.text).run();
    if (!outcome.ok()) return outcome;
    return database.prepare("DELETE FROM event WHERE number <= last_insert_rowid() - ?")
        .bind(static_cast<std::uint64_t>(events_max))
        .run();
}

namespace {

core::Result<std::uint64_t> counter_value(const Database& database, const std::string& name) {
    Statement select = database.prepare("SELECT value FROM counter WHERE name = ?");
    const core::Result<bool> row = select.bind(name).step();
    if (!row.ok()) return row.error();
    return *row ? select.unsigned_number(0) : std::uint64_t{0};
}

core::Outcome write_counter(const Database& database, const std::string& name,
                            std::uint64_t value) {
    return database.prepare("INSERT OR REPLACE INTO counter(name,value) VALUES(?,?)")
        .bind(name)
        .bind(value)
        .run();
}

// Raises a counter to one more than it was, and to `least` at least.
core::Result<std::uint64_t> raise(Database& database, const std::string& name,
                                  std::uint64_t least) {
    std::uint64_t value = 0;
    const core::Outcome outcome = database.transaction([&]() -> core::Outcome {
        const core::Result<std::uint64_t> stored = counter_value(database, name);
        if (!stored.ok()) return stored.error();
        if (*stored >= INT64_MAX) return database.damaged("counter " + name + " can not be raised");
        value = std::max(*stored + 1, least);
        return write_counter(database, name, value);
    });
    if (!outcome.ok()) return outcome.error();
    return value;
}

}  // namespace

core::Result<std::uint64_t> raise_life_counter(Database& database, const std::string& name,
                                               const StoreOptions& options) {
    const std::int64_t clock_seconds = clock_now().wall.ms / 1'000;
    const auto host_clock = static_cast<std::uint64_t>(std::max<std::int64_t>(clock_seconds, 0));
    return raise(database, name, options.unix_seconds.value_or(host_clock));
}

Store::Store(std::unique_ptr<Database> database, std::size_t events_max)
    : database_(std::move(database)), events_max_(events_max) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

core::Result<std::vector<StoredEvent>> Store::events(const EventQuery& query) const {
    constexpr std::size_t limit_max = 10'000;
    std::string sql =
        "SELECT number,at,severity,message,drive,agent,epoch,sequence,text FROM event WHERE 1";
    if (query.drive) sql += " AND drive = ?";
    if (query.since) sql += " AND at >= ?";
    sql += query.newest_first ? " ORDER BY number DESC LIMIT ?" : " ORDER BY number LIMIT ?";
    Statement select = database_->prepare(sql);
    if (query.drive) select.bind(query.drive->text);
    if (query.since) select.bind(query.since->ms);
    select.bind(std::uint64_t{std::clamp(query.limit, std::size_t{1}, limit_max)});
    std::vector<StoredEvent> events;
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return events;
        const auto severity = core::severity_from_text(select.text(2));
        if (!severity) return database_->damaged("event with severity \"" + select.text(2) + "\"");
        StoredEvent event;
        event.number = select.unsigned_number(0);
        event.record = {{select.number(1)}, *severity,    select.text(3), {select.text(4)},
                        select.text(5),     std::nullopt, select.text(8)};
        if (!select.is_null(6)) {
            event.record.notice = {select.unsigned_number(6), select.unsigned_number(7)};
        }
        events.push_back(std::move(event));
    }
}

core::Outcome Store::append_audit(const AdministratorAction& action) {
    return database_->transaction([&] {
        auto written =
            database_
                ->prepare("INSERT INTO audit(at,actor,action,subject,reason) VALUES(?,?,?,?,?)")
                .bind(action.at.ms)
                .bind(action.actor)
                .bind(action.action)
                .bind(action.subject)
                .bind(action.reason)
                .run();
        return written ? shorten_audit() : written;
    });
}

// A part at a time: the loop waits for it, and a trail from before there was a bound may be long.
core::Outcome Store::shorten_audit() {
    return database_
        ->prepare(
            "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE actor IN "
            "('dsad','lrad') AND number <= last_insert_rowid() - ? LIMIT 1000)")
        .bind(static_cast<std::uint64_t>(events_max_))
        .run();
}

core::Result<std::vector<AdministratorAction>> Store::audit(std::size_t limit) const {
    Statement select = database_->prepare(
        "SELECT at,actor,action,subject,reason FROM audit ORDER BY number DESC LIMIT ?");
    select.bind(static_cast<std::uint64_t>(limit));
    std::vector<AdministratorAction> actions;
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return actions;
        actions.push_back(
            {{select.number(0)}, select.text(1), select.text(2), select.text(3), select.text(4)});
    }
}

core::Result<std::uint64_t> Store::raise_counter(const std::string& name) {
    // Apart from the life counters, whatever the caller calls his.
    return raise(*database_, "of." + name, 0);
}

core::Outcome Store::remember(const std::string& name, const std::string& text) {
    return database_->transaction([&] { return note(name, text); });
}

core::Outcome Store::remember_soon(const std::string& name, const std::string& text) {
    return database_->unsynced_transaction([&] { return note(name, text); });
}

core::Outcome Store::note(const std::string& name, const std::string& text) {
    constexpr std::size_t note_max = std::size_t{64} * 1024;
    if (text.size() > note_max) {
        return core::Error{"note " + name + ": " + std::to_string(text.size()) +
                           " bytes are more than a note may have (64 KiB)"};
    }
    return database_->prepare("INSERT OR REPLACE INTO note(name,text) VALUES(?,?)")
        .bind(name)
        .bind(text)
        .run();
}

core::Result<std::optional<std::string>> Store::recall(const std::string& name) const {
    Statement select = database_->prepare("SELECT text FROM note WHERE name = ?");
    const core::Result<bool> row = select.bind(name).step();
    if (!row.ok()) return row.error();
    if (!*row) return std::optional<std::string>();
    return std::optional(select.text(0));
}

}  // namespace agent::runtime
