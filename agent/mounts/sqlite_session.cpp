#include "agent/mounts/sqlite_session.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <type_traits>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "agent/mounts/claim_schema.hpp"

namespace agent::mounts {

namespace {

constexpr int mounts_application_id = 0x4c524d54;  // "LRMT"

core::Error sqlite_failure(sqlite3* connection, const std::string& file) {
    const int code = sqlite3_extended_errcode(connection);
    std::string help;
    switch (code & 0xff) {
        case SQLITE_FULL:
            help = "the disk is full; free space on its file system";
            break;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            help = "another process has it open; is lrad running already?";
            break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            help =
                "it is damaged; move it away: lrad makes a new one from what drives and changer "
                "show, and volumes have to be disabled again";
            break;
        default:
            help = "the database engine refused";
            break;
    }
    return {file + ": " + help + " (SQLite " + std::to_string(code) + ": " +
            sqlite3_errmsg(connection) + ")"};
}

class SqliteSession final : public SqlSession {
  public:
    SqliteSession(std::string file, sqlite3* connection)
        : file_(std::move(file)), connection_(connection) {}
    ~SqliteSession() override {
        for (const auto& [sql, statement] : statements_)
            sqlite3_finalize(statement);
        sqlite3_close_v2(connection_);
    }

    core::Outcome set_up() {
        // The rows are short: with small pages a commit writes less.
        for (const char* setting : {"PRAGMA page_size=1024", "PRAGMA locking_mode=EXCLUSIVE",
                                    "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                                    "PRAGMA trusted_schema=OFF", "BEGIN IMMEDIATE", "COMMIT"}) {
            if (auto done = execute(setting); !done) return done;
        }
        auto tables = run("SELECT count(*) FROM sqlite_master", {});
        if (!tables) return tables.error();
        if (tables->rows.front().front() != "0") return identify();
        return make(claim_schema());
    }

    core::Outcome make(const std::string& tables) {
        if (auto begun = begin(); !begun) return begun;
        const std::string mark = "PRAGMA application_id=" + std::to_string(mounts_application_id) +
                                 ";PRAGMA user_version=" + std::to_string(claim_schema_version) +
                                 ";";
        auto made = execute((mark + tables).c_str());
        if (!made) {
            rollback();
            return made;
        }
        if (const auto committed = commit(); committed.end != CommitEnd::done)
            return core::Error{committed.words};
        return core::Nothing{};
    }

    core::Result<std::vector<SqlAnswer>> ask(const std::vector<SqlQuestion>& questions) override {
        std::vector<SqlAnswer> answers;
        for (const auto& question : questions) {
            auto answer = answer_to(question.sql, question.values);
            if (!answer) return answer.error();
            answers.push_back(std::move(answer).value());
        }
        return answers;
    }

    core::Outcome put(std::string_view sql, std::vector<SqlValue> values) override {
        const auto done = answer_to(sql, values);
        if (!done) return done.error();
        return core::Nothing{};
    }

    core::Outcome begin() override { return execute("BEGIN IMMEDIATE"); }
    // Nobody else has the file.
    core::Outcome go_on(std::uint64_t /*epoch*/) override {
        refused_row_ = false;
        return begin();
    }
    [[nodiscard]] bool can_go_on() const override { return true; }
    [[nodiscard]] bool was_overtaken() const override { return refused_row_; }

    Commit commit() override {
        const auto done = execute("COMMIT");
        if (done) return {};
        rollback();
        return {CommitEnd::failed, done.error().message};
    }

    void rollback() override {
        // After a full disk SQLite has rolled back by itself.
        if (sqlite3_get_autocommit(connection_) == 0) static_cast<void>(execute("ROLLBACK"));
    }

    core::Outcome lock_library() override { return core::Nothing{}; }
    void unlock_library() override {}
    [[nodiscard]] bool is_shared() const override { return false; }

  private:
    core::Result<SqlAnswer> answer_to(std::string_view sql, const std::vector<SqlValue>& values) {
        sqlite3_stmt* statement = prepared(sql);
        if (statement == nullptr) return sqlite_failure(connection_, file_);
        bind(statement, values);
        SqlAnswer answer;
        int code = 0;
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
            answer.rows.push_back(row_of(statement));
        answer.changed = static_cast<std::uint64_t>(sqlite3_changes(connection_));
        if (code == SQLITE_DONE) {
            sqlite3_reset(statement);
            return answer;
        }
        refused_row_ = (code & 0xff) == SQLITE_CONSTRAINT;
        auto error = sqlite_failure(connection_, file_);
        sqlite3_reset(statement);
        return error;
    }

    core::Outcome execute(const char* sql) {
        if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) == SQLITE_OK)
            return core::Nothing{};
        return sqlite_failure(connection_, file_);
    }

    core::Outcome identify() {
        const auto application = run("PRAGMA application_id", {});
        const auto version = run("PRAGMA user_version", {});
        if (!application) return application.error();
        if (!version) return version.error();
        if (application->rows.front().front() != std::to_string(mounts_application_id))
            return core::Error{file_ + ": this is no drive table but another program's database"};
        if (version->rows.front().front() == std::to_string(claim_schema_version))
            return core::Nothing{};
        if (version->rows.front().front() == "1") return make(claim_schema_from_1());
        return core::Error{file_ + ": its tables have version " +
                           version->rows.front().front().value_or("?") +
                           ", this program knows version " + std::to_string(claim_schema_version) +
                           "; install the version that wrote it or a later one"};
    }

    sqlite3_stmt* prepared(std::string_view sql) {
        if (const auto found = statements_.find(sql); found != statements_.end())
            return found->second;
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                               SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
            return nullptr;
        statements_.emplace(std::string(sql), statement);
        return statement;
    }

    static void bind(sqlite3_stmt* statement, const std::vector<SqlValue>& values) {
        int place = 1;
        for (const auto& value : values) {
            if (const auto* number = std::get_if<std::int64_t>(&value)) {
                sqlite3_bind_int64(statement, place, *number);
            } else if (const auto* text = std::get_if<std::string>(&value)) {
                sqlite3_bind_text(statement, place, text->data(), static_cast<int>(text->size()),
                                  SQLITE_TRANSIENT);  // NOLINT: SQLite's own cast
            } else {
                sqlite3_bind_null(statement, place);
            }
            ++place;
        }
    }

    static std::vector<SqlCell> row_of(sqlite3_stmt* statement) {
        std::vector<SqlCell> row;
        const int columns = sqlite3_column_count(statement);
        for (int column = 0; column < columns; ++column) {
            const unsigned char* data = sqlite3_column_text(statement, column);
            if (data == nullptr) {
                row.emplace_back();
                continue;
            }
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
            row.emplace_back(std::string(data, data + size));
        }
        return row;
    }

    std::string file_;
    sqlite3* connection_;
    std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
    bool refused_row_ = false;  // one that there was already
};

}  // namespace

core::Result<std::unique_ptr<SqlSession>> open_sqlite_session(const std::string& file) {
    // Made by us rather than by SQLite: it is nobody else's business. Its log inherits the mode.
    const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0)
        return core::Error{file + ": can not be opened for writing: " + core::errno_text(errno)};
    ::close(made);
    sqlite3* connection = nullptr;
    const int code = sqlite3_open_v2(
        file.c_str(), &connection,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    auto session = std::make_unique<SqliteSession>(file, connection);
    if (code != SQLITE_OK) return sqlite_failure(connection, file);
    sqlite3_busy_timeout(connection, 2'000);
    if (auto ready = session->set_up(); !ready) return ready.error();
    return std::unique_ptr<SqlSession>(std::move(session));
}

}  // namespace agent::mounts
