#include "agent/runtime/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/descriptor.hpp"

namespace agent::runtime {

namespace {

// What went wrong and what helps, for the operator; SQLite's own words follow.
std::string in_words(int code) {
    switch (code & 0xff) {
        case SQLITE_FULL:
            return "the disk is full; free space on its file system and start again";
        case SQLITE_READONLY:
            return "it can not be written; check its owner, its mode and that the file system is "
                   "mounted writable";
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return "it is damaged; move it away and restore a copy, or start without one: drives "
                   "are then looked at anew, and forced-offline marks have to be set again";
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return "another process has it open; is the daemon running already?";
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return "it can not be opened; check that its folder exists and is writable for this "
                   "user";
        case SQLITE_IOERR:
            return "reading or writing it failed; check the disk and the kernel's log";
        default:
            return "the database engine refused";
    }
}

core::Error failure(sqlite3* connection, const std::string& file, int code) {
    const char* words = connection == nullptr ? "" : sqlite3_errmsg(connection);
    return {file + ": " + in_words(code) + " (SQLite " + std::to_string(code) + ": " +
            std::string(words) + ")"};
}

// Made by us rather than by SQLite: it is nobody else's business. Its log inherits the mode. Closed
// again before SQLite opens it: closing any descriptor of a file gives up all locks that the
// process has on it (fcntl(2)), and with its lock the file would be everybody's.
core::Outcome make_file(const std::string& file) {
    const Descriptor made(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (made) return core::Nothing{};
    return core::Error{file + ": can not be opened for writing: " + core::errno_text(errno) +
                       "; check that its folder exists and is writable for this user"};
}

}  // namespace

// ---- statements ---------------------------------------------------------------------------------

Statement::Statement(sqlite3* connection, const std::string& file, std::string_view sql)
    : connection_(connection), file_(file) {
    keep(sqlite3_prepare_v2(connection_, sql.data(), static_cast<int>(sql.size()), &statement_,
                            nullptr));
}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

void Statement::keep(int code) {
    if (failure_ == SQLITE_OK) failure_ = code;
}

Statement& Statement::bind(std::string_view text) {
    const char* data = text.data() == nullptr ? "" : text.data();
    keep(sqlite3_bind_text(statement_, next_parameter_++, data, static_cast<int>(text.size()),
                           SQLITE_TRANSIENT));  // NOLINT: SQLite's own cast
    return *this;
}

Statement& Statement::bind(std::int64_t number) {
    keep(sqlite3_bind_int64(statement_, next_parameter_++, number));
    return *this;
}

Statement& Statement::bind(std::uint64_t number) {
    return bind(static_cast<std::int64_t>(number));
}

Statement& Statement::bind_null() {
    keep(sqlite3_bind_null(statement_, next_parameter_++));
    return *this;
}

core::Result<bool> Statement::step() {
    if (failure_ != SQLITE_OK) return failure(connection_, file_, failure_);
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return failure(connection_, file_, sqlite3_extended_errcode(connection_));
}

core::Outcome Statement::run() {
    const core::Result<bool> row = step();
    if (!row.ok()) return row.error();
    return core::Nothing{};
}

std::string Statement::text(int column) const {
    const unsigned char* data = sqlite3_column_text(statement_, column);
    if (data == nullptr) return {};
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return {data, data + size};
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::uint64_t Statement::unsigned_number(int column) const {
    return static_cast<std::uint64_t>(number(column));
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<std::int64_t> Statement::optional_number(int column) const {
    if (is_null(column)) return std::nullopt;
    return number(column);
}

std::optional<std::uint64_t> Statement::optional_unsigned_number(int column) const {
    if (is_null(column)) return std::nullopt;
    return unsigned_number(column);
}

// ---- the file -----------------------------------------------------------------------------------

Database::Database(std::string file, sqlite3* connection)
    : file_(std::move(file)), connection_(connection) {}

Database::~Database() {
    sqlite3_close_v2(connection_);
}

core::Error Database::damaged(const std::string& what) const {
    return {file_ + ": " + what + "; " + in_words(SQLITE_CORRUPT)};
}

core::Result<std::unique_ptr<Database>> Database::open(const std::string& file,
                                                       const DatabaseKind& kind) {
    if (auto made = make_file(file); !made) return made.error().within("opening " + kind.what);
    sqlite3* connection = nullptr;
    const int code = sqlite3_open_v2(
        file.c_str(), &connection,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    std::unique_ptr<Database> database(new Database(file, connection));
    if (code != SQLITE_OK) {
        return failure(connection, file, code).within("opening " + kind.what);
    }
    const core::Outcome outcome = database->set_up(kind);
    if (!outcome.ok()) return outcome.error().within("opening " + kind.what);
    return database;
}

core::Outcome Database::set_up(const DatabaseKind& kind) {
    // Long enough for a predecessor that is just ending, short enough to say so.
    sqlite3_busy_timeout(connection_, 2'000);
    for (const char* setting :
         {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
          "PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF", "BEGIN IMMEDIATE", "COMMIT"}) {
        core::Outcome outcome = execute(setting);
        if (!outcome.ok()) return outcome;
    }
    Statement check = prepare("PRAGMA quick_check(1)");
    const core::Result<bool> row = check.step();
    if (!row.ok()) return row.error();
    if (check.text(0) != "ok") return damaged(check.text(0));
    if (auto identified = identify(kind); !identified) return identified;
    return transaction([&] { return execute(kind.additions); });
}

core::Result<std::int64_t> Database::single_number(const std::string& sql) const {
    Statement statement = prepare(sql);
    const core::Result<bool> row = statement.step();
    if (!row.ok()) return row.error();
    return *row ? statement.number(0) : 0;
}

core::Outcome Database::identify(const DatabaseKind& kind) {
    const auto application = single_number("PRAGMA application_id");
    if (!application.ok()) return application.error();
    const auto version = single_number("PRAGMA user_version");
    if (!version.ok()) return version.error();
    const auto tables = single_number("SELECT count(*) FROM sqlite_master");
    if (!tables.ok()) return tables.error();
    if (*tables == 0) {
        return transaction([&]() -> core::Outcome {
            return execute("PRAGMA application_id=" + std::to_string(kind.application_id) +
                           ";PRAGMA user_version=" + std::to_string(kind.version) + ";" +
                           kind.tables);
        });
    }
    if (*application != kind.application_id) {
        return core::Error{file_ + ": this is not " + kind.what +
                           " but another program's database; check state_dir"};
    }
    if (*version < kind.version && kind.upgrades.contains(*version)) return upgrade(kind, *version);
    if (*version != kind.version) {
        return core::Error{file_ + ": its tables have version " + std::to_string(*version) +
                           ", this program knows version " + std::to_string(kind.version) +
                           "; install the version that wrote it or a later one"};
    }
    return core::Nothing{};
}

core::Outcome Database::upgrade(const DatabaseKind& kind, std::int64_t version) {
    return transaction([&]() -> core::Outcome {
        for (; version < kind.version; ++version) {
            if (auto done = execute(kind.upgrades.at(version)); !done) return done;
        }
        return execute("PRAGMA user_version=" + std::to_string(kind.version));
    });
}

core::Outcome Database::execute(const std::string& sql) {
    const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure(connection_, file_, code);
    return core::Nothing{};
}

core::Outcome Database::transaction(const std::function<core::Outcome()>& body) {
    core::Outcome outcome = execute("BEGIN IMMEDIATE");
    if (!outcome.ok()) return outcome;
    outcome = body();
    if (outcome.ok()) outcome = execute("COMMIT");
    if (outcome.ok()) return outcome;
    // SQLite has rolled back by itself after a full disk or an I/O error; then this one has nothing
    // to do.
    if (sqlite3_get_autocommit(connection_) == 0) {
        static_cast<void>(execute("ROLLBACK"));
    }
    return outcome;
}

core::Outcome Database::unsynced_transaction(const std::function<core::Outcome()>& body) {
    core::Outcome outcome = execute("PRAGMA synchronous=NORMAL");
    if (!outcome.ok()) return outcome;
    outcome = transaction(body);
    const core::Outcome restored = execute("PRAGMA synchronous=FULL");
    return outcome.ok() ? restored : outcome;
}

}  // namespace agent::runtime
