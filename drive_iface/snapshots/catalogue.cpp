#include "drive_iface/snapshots/catalogue.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/core/enumerator_names.hpp"
#include "agent/runtime/database.hpp"
#include "drive_iface/snapshots/session_rows.hpp"

namespace drive_iface::snapshots {

using agent::core::EnumeratorName;
using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using agent::runtime::Database;
using agent::runtime::Statement;

namespace {

constexpr std::int64_t application_id = 0x4c52534e;  // "LRSN"
constexpr EnumeratorName<Cause> cause_names[] = {
    {Cause::completion, "completion"},
    {Cause::periodic, "periodic"},
    {Cause::on_demand, "on_demand"},
};
constexpr EnumeratorName<SnapshotChange::Kind> change_names[] = {
    {SnapshotChange::Kind::taken, "taken"},
    {SnapshotChange::Kind::removed, "removed"},
    {SnapshotChange::Kind::kept, "kept"},
    {SnapshotChange::Kind::unkept, "unkept"},
};

// Numbers are counted for good, so that none comes back.
const char* const tables = R"(
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counter(name, value) VALUES('snapshot', 0), ('completion', 0);
CREATE TABLE snapshot(number INTEGER PRIMARY KEY, taken_ms INTEGER NOT NULL, cause TEXT NOT NULL,
                      completed INTEGER, asked_by TEXT NOT NULL, reason TEXT NOT NULL,
                      kept INTEGER NOT NULL, kept_by TEXT NOT NULL, kept_reason TEXT NOT NULL,
                      sessions INTEGER NOT NULL, active INTEGER NOT NULL,
                      objects INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE session_version(
    identifier INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER,
    host TEXT NOT NULL, address TEXT NOT NULL, drive TEXT NOT NULL, volume TEXT NOT NULL,
    start_object INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    objects INTEGER NOT NULL, filemarks INTEGER NOT NULL, bytes INTEGER NOT NULL,
    durable_objects INTEGER NOT NULL, completion INTEGER, volume_object INTEGER,
    started_ms INTEGER NOT NULL, ended_ms INTEGER, files BLOB NOT NULL, kept INTEGER NOT NULL,
    PRIMARY KEY(identifier, first)) WITHOUT ROWID;
CREATE INDEX session_version_first ON session_version(first, last);
CREATE INDEX session_version_open ON session_version(last);
CREATE TABLE mount(slot INTEGER PRIMARY KEY, number INTEGER NOT NULL, session INTEGER);
)";

constexpr std::int64_t snapshot_number_max = std::numeric_limits<std::uint32_t>::max();

std::uint32_t small_number(const Statement& row, int column) {
    return static_cast<std::uint32_t>(row.unsigned_number(column));
}

}  // namespace

std::string_view to_text(Cause cause) {
    return agent::core::name_of(cause_names, cause);
}

std::optional<Cause> cause_from_text(std::string_view text) {
    return agent::core::value_of(cause_names, text);
}

std::string_view to_text(SnapshotChange::Kind kind) {
    return agent::core::name_of(change_names, kind);
}

Catalogue::Catalogue(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Catalogue::~Catalogue() = default;

Result<std::unique_ptr<Catalogue>> Catalogue::open(const std::string& file) {
    auto database = Database::open(file, {.what = "vtld's catalogue of snapshots",
                                          .application_id = application_id,
                                          .version = 1,
                                          .tables = tables});
    if (!database) return database.error();
    std::unique_ptr<Catalogue> catalogue(new Catalogue(std::move(database).value()));
    if (auto loaded = catalogue->load(); !loaded) return loaded.error();
    return catalogue;
}

// ---- reading

Outcome Catalogue::load() {
    if (auto loaded = load_snapshots(); !loaded) return loaded;
    if (auto loaded = load_newest(); !loaded) return loaded;
    if (auto loaded = load_references(); !loaded) return loaded;
    const auto completion = counter("completion");
    if (!completion) return completion.error();
    last_completion_ = static_cast<std::uint64_t>(*completion);
    return load_mounts();
}

Outcome Catalogue::load_snapshots() {
    Statement select = database_->prepare(
        "SELECT number, taken_ms, cause, completed, asked_by, reason, kept, kept_by, kept_reason, "
        "sessions, active, objects, bytes FROM snapshot");
    while (true) {
        const auto more = select.step();
        if (!more) return more.error();
        if (!*more) return Nothing{};
        Snapshot snapshot;
        snapshot.number = small_number(select, 0);
        snapshot.taken_ms = select.number(1);
        const auto cause = cause_from_text(select.text(2));
        if (!cause) return database_->damaged("no such cause of a snapshot: " + select.text(2));
        snapshot.cause = *cause;
        if (!select.is_null(3)) snapshot.completed = small_number(select, 3);
        snapshot.by = select.text(4);
        snapshot.reason = select.text(5);
        snapshot.kept = select.number(6) != 0;
        snapshot.kept_by = select.text(7);
        snapshot.kept_reason = select.text(8);
        snapshot.sessions = select.unsigned_number(9);
        snapshot.active = select.unsigned_number(10);
        snapshot.objects = select.unsigned_number(11);
        snapshot.bytes = select.unsigned_number(12);
        snapshots_[snapshot.number] = snapshot;
    }
}

Outcome Catalogue::load_newest() {
    auto rows = read_session_rows(*database_, "last IS NULL", std::nullopt);
    if (!rows) return rows.error();
    newest_ = std::move(rows).value();
    return Nothing{};
}

Outcome Catalogue::load_references() {
    references_.clear();
    Statement select = database_->prepare(
        "SELECT identifier, count(*), max(bytes) FROM session_version "
        "WHERE kept != 0 AND objects != 0 GROUP BY identifier");
    while (true) {
        const auto more = select.step();
        if (!more) return more.error();
        if (!*more) break;
        references_[small_number(select, 0)] = {
            .versions = static_cast<std::size_t>(select.unsigned_number(1)),
            .bytes = select.unsigned_number(2)};
    }
    Statement count = database_->prepare("SELECT count(*) FROM session_version");
    if (auto counted = count.step(); !counted) return counted.error();
    versions_ = static_cast<std::size_t>(count.unsigned_number(0));
    return Nothing{};
}

Outcome Catalogue::load_mounts() {
    Statement select = database_->prepare("SELECT slot, number, session FROM mount");
    while (true) {
        const auto more = select.step();
        if (!more) return more.error();
        if (!*more) return Nothing{};
        Mount mount{.number = small_number(select, 1), .session = {}};
        if (!select.is_null(2)) mount.session = small_number(select, 2);
        mounts_[static_cast<std::size_t>(select.unsigned_number(0))] = mount;
    }
}

Result<std::int64_t> Catalogue::counter(const char* name) const {
    Statement select = database_->prepare("SELECT value FROM counter WHERE name = ?");
    const auto row = select.bind(std::string_view(name)).step();
    if (!row) return row.error();
    if (!*row) return database_->damaged(std::string("there is no counter ") + name);
    return select.number(0);
}

bool Catalogue::is_newest(std::span<const Session> rows) const {
    return std::equal(rows.begin(), rows.end(), newest_.begin(), newest_.end());
}

Result<std::vector<Session>> Catalogue::sessions(std::uint32_t number) const {
    return read_session_rows(*database_, "first <= ?1 AND (last IS NULL OR last >= ?1)", number);
}

// ---- changes

Result<Snapshot> Catalogue::add(Snapshot snapshot, std::span<const Session> rows) {
    const auto changes = difference(newest_, rows);
    std::uint64_t completion = last_completion_;
    snapshot.sessions = rows.size();
    snapshot.active = snapshot.objects = snapshot.bytes = 0;
    for (const Session& session : rows) {
        snapshot.active += session.state == sessions::SessionState::active ? 1 : 0;
        snapshot.objects += session.objects;
        snapshot.bytes += session.bytes;
        completion = std::max(completion, session.completion.value_or(0));
    }
    const auto done = database_->transaction([&]() -> Outcome {
        if (auto counted =
                database_->prepare("UPDATE counter SET value = value + 1 WHERE name = 'snapshot'")
                    .run();
            !counted)
            return counted;
        const auto number = counter("snapshot");
        if (!number) return number.error();
        if (*number < 1 || *number > snapshot_number_max) {
            return Error{"all " + std::to_string(snapshot_number_max) +
                         " snapshot numbers are used"};
        }
        snapshot.number = static_cast<std::uint32_t>(*number);
        if (auto written = write(snapshot); !written) return written;
        if (auto seen = database_->prepare("UPDATE counter SET value = ? WHERE name = 'completion'")
                            .bind(completion)
                            .run();
            !seen)
            return seen;
        return write_changes(snapshot.number, changes);
    });
    if (!done) return done.error();
    snapshots_[snapshot.number] = snapshot;
    last_completion_ = completion;
    newest_.assign(rows.begin(), rows.end());
    for (const auto& change : changes) {
        if (!change.after) continue;
        ++versions_;
        if (!has_data(*change.after)) continue;
        auto& reference = references_[change.identifier];
        ++reference.versions;
        reference.bytes = std::max(reference.bytes, change.after->bytes);
    }
    return snapshot;
}

Outcome Catalogue::write(const Snapshot& snapshot) {
    Statement insert =
        database_->prepare("INSERT OR REPLACE INTO snapshot VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)");
    insert.bind(std::uint64_t{snapshot.number})
        .bind(snapshot.taken_ms)
        .bind(to_text(snapshot.cause))
        .bind(snapshot.completed);
    return insert.bind(snapshot.by)
        .bind(snapshot.reason)
        .bind(std::int64_t{snapshot.kept ? 1 : 0})
        .bind(snapshot.kept_by)
        .bind(snapshot.kept_reason)
        .bind(snapshot.sessions)
        .bind(snapshot.active)
        .bind(snapshot.objects)
        .bind(snapshot.bytes)
        .run();
}

Outcome Catalogue::write_changes(std::uint32_t number, std::span<const SessionDifference> changes) {
    for (const auto& change : changes) {
        if (change.before) {
            auto closed = database_
                              ->prepare(
                                  "UPDATE session_version SET last = ? "
                                  "WHERE identifier = ? AND last IS NULL")
                              .bind(std::uint64_t{number} - 1)
                              .bind(std::uint64_t{change.identifier})
                              .run();
            if (!closed) return closed;
        }
        if (!change.after) continue;
        if (auto written = write_session_row(*database_, number, *change.after); !written)
            return written;
    }
    return Nothing{};
}

Outcome Catalogue::save(const Snapshot& snapshot) {
    auto saved = database_->transaction([&] { return write(snapshot); });
    if (saved) snapshots_[snapshot.number] = snapshot;
    return saved;
}

Outcome Catalogue::remove(std::span<const std::uint32_t> numbers) {
    auto left = snapshots_;
    const auto newest = snapshots_.empty() ? 0 : snapshots_.rbegin()->first;
    Dropped dropped;
    auto done = database_->transaction([&]() -> Outcome {
        for (const auto number : numbers) {
            const auto found = left.find(number);
            if (found == left.end()) continue;
            std::optional<std::uint32_t> before, after;
            if (found != left.begin()) before = std::prev(found)->first;
            if (std::next(found) != left.end()) after = std::next(found)->first;
            if (auto gone = drop(number, before, after, dropped); !gone) return gone;
            left.erase(found);
        }
        return Nothing{};
    });
    if (!done) return done;
    snapshots_ = std::move(left);
    versions_ -= dropped.versions;
    for (const auto& [identifier, versions] : dropped.with_data) {
        const auto reference = references_.find(identifier);
        if (reference == references_.end()) continue;
        reference->second.versions -= std::min(reference->second.versions, versions);
        if (reference->second.versions == 0) references_.erase(reference);
    }
    // Rows that only the newest had are no longer what the next one is compared with.
    const bool newest_gone = std::find(numbers.begin(), numbers.end(), newest) != numbers.end();
    return newest_gone ? load_newest() : Outcome(Nothing{});
}

// With the versions that were so in none of its neighbours.
Outcome Catalogue::drop(std::uint32_t number, std::optional<std::uint32_t> before,
                        std::optional<std::uint32_t> after, Dropped& dropped) {
    Statement versions = database_->prepare(
        "DELETE FROM session_version WHERE first > ?1 AND first <= ?2 AND "
        "(?3 IS NULL OR (last IS NOT NULL AND last < ?3)) "
        "RETURNING identifier, kept != 0 AND objects != 0");
    versions.bind(std::uint64_t{before.value_or(0)}).bind(std::uint64_t{number}).bind(after);
    while (true) {
        const auto more = versions.step();
        if (!more) return more.error();
        if (!*more) break;
        ++dropped.versions;
        if (versions.number(1) != 0) ++dropped.with_data[small_number(versions, 0)];
    }
    return database_->prepare("DELETE FROM snapshot WHERE number = ?")
        .bind(std::uint64_t{number})
        .run();
}

Outcome Catalogue::mount(std::size_t slot, const Mount& mount) {
    auto done = database_->transaction([&]() -> Outcome {
        Statement insert = database_->prepare("INSERT OR REPLACE INTO mount VALUES(?,?,?)");
        insert.bind(std::uint64_t{slot}).bind(std::uint64_t{mount.number}).bind(mount.session);
        return insert.run();
    });
    if (done) mounts_[slot] = mount;
    return done;
}

Outcome Catalogue::unmount(std::size_t slot) {
    auto done = database_->transaction([&] {
        return database_->prepare("DELETE FROM mount WHERE slot = ?")
            .bind(std::uint64_t{slot})
            .run();
    });
    if (done) mounts_.erase(slot);
    return done;
}

}  // namespace drive_iface::snapshots
