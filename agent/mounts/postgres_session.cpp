#include "agent/mounts/postgres_session.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>
#include <utility>

#include "agent/mounts/claim_rows.hpp"
#include "agent/mounts/claim_schema.hpp"
#include "agent/mounts/postgres_connection.hpp"

namespace agent::mounts {

using core::Duration;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

// Whoever has waited for a row sees it as it is then, whatever isolation the site likes better.
// A session that waits for its standby keeps its locks, and one whose client has died would too.
constexpr const char* session_settings =
    "SET default_transaction_isolation = 'read committed'; "
    "SET synchronous_commit = on; "
    "SET idle_in_transaction_session_timeout = '60s'; "
    "SET client_connection_check_interval = '2s'; SET client_min_messages = warning; "
    "SET plan_cache_mode = force_generic_plan";
constexpr std::string_view begin_transaction = "BEGIN";
// A trip waits for three locks at most, one behind the other: the server says which was not had
// before the trip is given up.
constexpr int locks_of_a_trip = 3;
constexpr std::size_t unsent_max = 64;  // changes that wait for the next trip
constexpr std::string_view lock_not_available = "55P03";
constexpr std::string_view not_null_violation = "23502";
constexpr const char* schema_lock = "4952";  // so that two controllers do not make the tables

// The statements that every transaction has. A mark is that of one transaction, told apart from all
// others: each leaves its own at the library, so that whoever knows the last one knows the rows,
// and at its node, where what has become of a commit is read whatever others have done since. NULL
// is refused by the column, and ends the transaction: when the node's row is gone.
constexpr std::string_view commit_transaction = "COMMIT";
constexpr std::string_view hold_node = "SELECT commit_mark FROM node WHERE name = $1 FOR UPDATE";
constexpr std::string_view mark_node = "UPDATE node SET commit_mark = $1 WHERE name = $2";
constexpr std::string_view mark_library =
    "UPDATE library_state SET commit_mark = (SELECT commit_mark FROM node WHERE name = $1) "
    "WHERE library = $2";
// The same for a transaction that goes on from the last one. NULL also when the node's mark, or the
// library's mark or epoch, is another, or the library's row is gone.
constexpr std::string_view go_on_at_node =
    "UPDATE node SET commit_mark = CASE WHEN commit_mark = $1 AND "
    "EXISTS (SELECT 1 FROM library_state WHERE library = $4) THEN $2 END WHERE name = $3";
constexpr std::string_view go_on_at_library =
    "UPDATE library_state SET commit_mark = CASE WHEN commit_mark = $1 AND epoch = $2 THEN "
    "(SELECT commit_mark FROM node WHERE name = $3) END WHERE library = $4";
constexpr std::string_view lock_of_library =
    "SELECT number, pg_advisory_lock(number) FROM library_state WHERE library = $1";
constexpr std::string_view lock_of_number = "SELECT pg_advisory_lock($1)";
constexpr std::string_view unlock_all = "SELECT pg_advisory_unlock_all()";

// What goes on and finds another mark, a row where it was to add one, or no lock in time.
bool is_overtaken(const std::string& state) {
    return state == not_null_violation || state == "23505" || state == lock_not_available;
}

class PostgresSession final : public SqlSession {
  public:
    explicit PostgresSession(PostgresOptions options) : options_(std::move(options)) {}

    Outcome connect() {
        connection_.reset();
        prepared_.clear();
        unsent_.clear();
        in_transaction_ = false;
        answer_due_ = false;
        auto connection = connect_to_primary(options_.servers, options_.connect_within);
        if (!connection) return connection.error();
        connection_ = std::move(connection).value();
        PQsetNoticeReceiver(connection_.get(), &PostgresSession::noticed, this);
        const auto lock_ms = options_.answer_within.ms / (locks_of_a_trip + 1);
        auto set = simple(session_settings + ("; SET lock_timeout = " + std::to_string(lock_ms)));
        if (!set) connection_.reset();  // not one that waits for nobody
        return set;
    }

    Outcome make_tables() {
        if (auto locked = simple(std::string("SELECT pg_advisory_lock(") + schema_lock + ")");
            !locked)
            return locked;
        auto made = make_tables_if_missing();
        const auto unlocked = simple("SELECT pg_advisory_unlock_all()");
        return made ? unlocked : made;
    }

    Result<std::vector<SqlAnswer>> ask(const std::vector<SqlQuestion>& questions) override {
        if (!connection_ && !in_transaction_ && lock_ != Lock::held) {
            if (auto connected = connect(); !connected) return connected.error();
        }
        const std::size_t before = unsent_.size();
        unsent_.insert(unsent_.end(), questions.begin(), questions.end());
        if (auto prepared = prepare_unsent(); !prepared) {
            unsent_.clear();
            return prepared.error();
        }
        const auto results = send_unsent();
        if (!results) return results.error();
        for (const auto& result : *results) {
            if (!is_good(result)) return refused(result);
        }
        overtaken_ = false;
        if (in_transaction_) lock_was_had();
        std::vector<SqlAnswer> answers;
        for (std::size_t i = before; i < results->size(); ++i)
            answers.push_back(answer_in((*results)[i].get()));
        return answers;
    }

    Outcome put(std::string_view sql, std::vector<SqlValue> values) override {
        unsent_.push_back({sql, std::move(values)});
        if (unsent_.size() < unsent_max) return Nothing{};
        const auto made = ask({});
        if (!made) return made.error();
        return Nothing{};
    }

    Outcome begin() override {
        if (auto ready = be_connected(); !ready) return ready;
        if (lock_ == Lock::wanted || lock_ == Lock::asked_for) {
            if (auto locked = lock_now(); !locked) return locked;
        }
        begin_asking();
        return Nothing{};
    }

    [[nodiscard]] bool can_go_on() const override { return !mark_.empty(); }

    // Nothing is held before the commit leaves, and nothing need be: whoever asks later what has
    // become of it writes another mark at the node, and then it can not happen any more.
    Outcome go_on(std::uint64_t epoch) override {
        // A server that has ended is noticed here, where nothing is in doubt yet.
        if (connection_ && has_ended()) static_cast<void>(lost(PQerrorMessage(connection_.get())));
        if (auto ready = be_connected(); !ready) return ready;
        next_mark_ = new_mark();
        unsent_ = {{begin_transaction, {}}};
        if (lock_ == Lock::wanted || lock_ == Lock::asked_for) {
            unsent_.push_back({lock_of_number, {library_number_}});
            lock_ = Lock::asked_for;
        }
        unsent_.push_back({go_on_at_node, {mark_, next_mark_, options_.node, options_.library}});
        unsent_.push_back(
            {go_on_at_library,
             {mark_, static_cast<std::int64_t>(epoch), options_.node, options_.library}});
        in_transaction_ = true;
        overtaken_ = true;
        return Nothing{};
    }

    [[nodiscard]] bool was_overtaken() const override { return overtaken_; }

    Commit commit() override {
        if (next_mark_.empty()) {
            if (is_begin_unsent()) {
                if (const auto begun = ask({}); !begun) {
                    rollback();
                    return {CommitEnd::failed, begun.error().message};
                }
            }
            next_mark_ = new_mark();
            unsent_.push_back({mark_node, {next_mark_, options_.node}});
            unsent_.push_back({mark_library, {options_.node, options_.library}});
        }
        const std::string mark = std::exchange(next_mark_, {});
        Commit end = send_commit();
        if (end.end == CommitEnd::unknown) {
            end = resolve(mark, end.words);
            overtaken_ = false;  // that was asking; what was asked about is not done again
        }
        if (end.end == CommitEnd::done) mark_ = mark;
        return end;
    }

    void rollback() override {
        in_transaction_ = false;
        next_mark_.clear();
        unsent_.clear();
        if (connection_ && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE)
            static_cast<void>(simple("ROLLBACK"));
    }

    // A session that may go on has it with its next transaction, on the same trip.
    Outcome lock_library() override {
        lock_ = Lock::wanted;
        if (can_go_on() && library_number_ != 0) return Nothing{};
        auto locked = be_connected();
        if (locked) locked = lock_now();
        if (!locked) lock_ = Lock::none;  // who has not got it does not give it back
        return locked;
    }

    void unlock_library() override {
        const Lock lock = std::exchange(lock_, Lock::none);
        if (!connection_ || lock == Lock::none || lock == Lock::wanted) return;
        if (auto taken = take_due_answer(); !taken) return;
        if (PQsendQuery(connection_.get(), std::string(unlock_all).c_str()) == 0 ||
            PQflush(connection_.get()) < 0) {
            static_cast<void>(lost(PQerrorMessage(connection_.get())));
            return;
        }
        answer_due_ = true;
    }

    void give_up() noexcept override { given_up_ = true; }

    [[nodiscard]] bool is_shared() const override { return true; }

  private:
    static void noticed(void* self, const PGresult* result) noexcept {
        const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
        if (severity == nullptr || std::strcmp(severity, "WARNING") != 0) return;
        const char* words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        static_cast<PostgresSession*>(self)->warning_ = words == nullptr ? "a warning" : words;
    }

    Outcome be_connected() {
        if (connection_) return Nothing{};
        if (lock_ == Lock::held)
            return Error{"the connection to the database, and the lock, were lost"};
        return connect();
    }

    void begin_asking() {
        next_mark_.clear();
        overtaken_ = false;
        // The node's row is held before the commit is sent. read_mark() waits for it: without this
        // lock it could read the mark of a transaction that has yet to come to it, and commits
        // then.
        unsent_ = {{begin_transaction, {}}, {hold_node, {options_.node}}};
        in_transaction_ = true;
    }

    // Looks twice: what the server has said before its end, and the end.
    bool has_ended() {
        return PQconsumeInput(connection_.get()) == 0 || PQconsumeInput(connection_.get()) == 0;
    }

    // On the trip that has just worked.
    void lock_was_had() {
        if (lock_ == Lock::asked_for) lock_ = Lock::held;
    }

    // Several trips while somebody else has it.
    Outcome lock_now() {
        const auto end =
            std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.lock_within.ms);
        for (;;) {
            const auto got = run(lock_of_library, {options_.library});
            if (got && got->rows.empty())
                return Error{"library " + options_.library + " is not in the table"};
            if (got) {
                library_number_ = number_in(got->rows.front().front());
                break;
            }
            if (last_state_ != lock_not_available) return got.error();
            if (given_up_ || std::chrono::steady_clock::now() >= end) {
                return Error{"another controller has the drive table locked; " +
                             got.error().message};
            }
        }
        lock_ = Lock::held;
        return Nothing{};
    }

    // Of the unlocking, which nobody has waited for.
    Outcome take_due_answer() {
        if (!connection_ || !std::exchange(answer_due_, false)) return Nothing{};
        const auto result = result_of_sent(connection_.get(), options_.answer_within);
        if (!result) return lost(result.error().message);
        if (!is_good(result.value())) return refused(result.value());
        return Nothing{};
    }

    [[nodiscard]] bool is_begin_unsent() const {
        return !unsent_.empty() && unsent_.front().sql == begin_transaction;
    }

    Error lost(const std::string& words) {
        connection_.reset();
        prepared_.clear();
        unsent_.clear();
        last_state_.clear();
        answer_due_ = false;
        overtaken_ = false;
        return Error{"the connection to the database was lost: " + words};
    }

    Error refused(const PostgresResult& result) {
        last_state_ = sql_state_of(result);
        overtaken_ = is_overtaken(last_state_);
        auto words = words_of(result);
        // 57P01 to 57P03: the server ends this session.
        if (PQstatus(connection_.get()) != CONNECTION_OK || last_state_.starts_with("57P"))
            return lost(words);
        return Error{"the database refused: " + words};
    }

    // Without parameters; several statements are allowed.
    Outcome simple(const std::string& sql) {
        if (auto taken = take_due_answer(); !taken) return taken;
        if (PQsendQuery(connection_.get(), sql.c_str()) == 0)
            return lost(PQerrorMessage(connection_.get()));
        auto result = result_of_sent(connection_.get(), options_.answer_within);
        if (!result) return lost(result.error().message);
        if (!is_good(result.value())) return refused(result.value());
        return Nothing{};
    }

    Outcome all_or_nothing(const std::string& sql) {
        auto done = simple("BEGIN; " + sql + "; COMMIT");
        if (!done && connection_) static_cast<void>(simple("ROLLBACK"));
        return done;
    }

    Outcome make_tables_if_missing() {
        const auto there = run("SELECT to_regclass('lra_schema') IS NOT NULL", {});
        if (!there) return there.error();
        const auto number = std::to_string(claim_schema_version);
        if (there->rows.front().front() == "f") {
            return all_or_nothing(claim_schema() +
                                  "CREATE TABLE lra_schema (version BIGINT NOT NULL); "
                                  "INSERT INTO lra_schema VALUES (" +
                                  number + ")");
        }
        const auto version = run("SELECT version FROM lra_schema", {});
        if (!version) return version.error();
        if (version->rows.size() == 1 && version->rows.front().front() == number) return Nothing{};
        if (version->rows.size() == 1 && version->rows.front().front() == "1") {
            return all_or_nothing(claim_schema_from_1() +
                                  "UPDATE lra_schema SET version = " + number);
        }
        return Error{
            "the drive table in the database is of another version; install the version "
            "of lrad that wrote it, or a later one"};
    }

    // Each statement is new to a connection once; then this sends nothing.
    Outcome prepare_unsent() {
        if (!connection_) return Error{"the connection to the database was lost"};
        if (auto taken = take_due_answer(); !taken) return taken;
        for (const auto& question : unsent_) {
            if (prepared_.contains(question.sql)) continue;
            const std::string name = "s" + std::to_string(prepared_.size());
            const std::string text(question.sql);
            if (PQsendPrepare(connection_.get(), name.c_str(), text.c_str(), 0, nullptr) == 0)
                return lost(PQerrorMessage(connection_.get()));
            auto result = result_of_sent(connection_.get(), options_.answer_within);
            if (!result) return lost(result.error().message);
            if (!is_good(result.value())) return refused(result.value());
            prepared_.emplace(text, name);
        }
        return Nothing{};
    }

    // All that is unsent, on one trip. An error: the connection is lost, and nobody knows what was
    // done.
    Result<std::vector<PostgresResult>> send_unsent() {
        const auto questions = std::exchange(unsent_, {});
        bool sent = PQenterPipelineMode(connection_.get()) != 0;
        for (const auto& question : questions)
            sent = sent && send(question);
        if (!sent || PQpipelineSync(connection_.get()) == 0)
            return lost(PQerrorMessage(connection_.get()));
        auto results = results_of_trip(connection_.get(), questions.size(), options_.answer_within);
        if (!results) return lost(results.error().message);
        return results;
    }

    bool send(const SqlQuestion& question) {
        std::vector<std::string> texts;
        texts.reserve(question.values.size());
        std::vector<const char*> pointers;
        for (const auto& value : question.values) {
            texts.push_back(text_of(value));
            const bool null = std::holds_alternative<std::monostate>(value);
            pointers.push_back(null ? nullptr : texts.back().c_str());
        }
        return PQsendQueryPrepared(connection_.get(), prepared_.find(question.sql)->second.c_str(),
                                   static_cast<int>(pointers.size()), pointers.data(), nullptr,
                                   nullptr, 0) != 0;
    }

    static std::string text_of(const SqlValue& value) {
        if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
        if (const auto* text = std::get_if<std::string>(&value)) return *text;
        return "";
    }

    static SqlAnswer answer_in(PGresult* result) {
        SqlAnswer answer;
        const int columns = PQnfields(result);
        for (int row = 0; row < PQntuples(result); ++row) {
            auto& cells = answer.rows.emplace_back();
            for (int column = 0; column < columns; ++column) {
                if (PQgetisnull(result, row, column) != 0) {
                    cells.emplace_back();
                } else {
                    cells.emplace_back(std::string(PQgetvalue(result, row, column)));
                }
            }
        }
        const std::string changed = PQcmdTuples(result);
        answer.changed = changed.empty() ? 0 : std::stoull(changed);
        return answer;
    }

    [[nodiscard]] std::string row_is_gone() const {
        return "the row of controller " + options_.node +
               " in the table \"node\" of the database is gone; restart lrad, which makes it again";
    }

    [[nodiscard]] std::string new_mark() {
        return std::to_string(::getpid()) + "-" + std::to_string(++marks_) + "-" +
               std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
    }

    // The changes that are still unsent and the commit, on one trip.
    Commit send_commit() {
        in_transaction_ = false;
        unsent_.push_back({commit_transaction, {}});
        if (auto prepared = prepare_unsent(); !prepared) {
            rollback();
            return {CommitEnd::failed, prepared.error().message};
        }
        warning_.clear();
        const auto results = send_unsent();
        if (!results) return {CommitEnd::unknown, results.error().message};
        for (const auto& result : *results) {
            if (!is_good(result)) return not_committed(result);
        }
        if (std::strcmp(PQcmdStatus(results->back().get()), "COMMIT") != 0)
            return {CommitEnd::failed, "the database rolled it back"};
        if (!warning_.empty()) return {CommitEnd::unknown, warning_};
        lock_was_had();
        return {};
    }

    Commit not_committed(const PostgresResult& result) {
        const auto state = sql_state_of(result);
        const auto words = refused(result).message;
        // Before the commit was tried: the server says that the transaction is still there.
        if (connection_ && PQtransactionStatus(connection_.get()) == PQTRANS_INERROR) {
            rollback();
            return {CommitEnd::failed, state == not_null_violation ? row_is_gone() : words};
        }
        // The server shuts down, or ends this session: it may have been written before that.
        const bool nobody_knows =
            !connection_ || state.empty() || state.starts_with("57") || state.starts_with("08");
        return {nobody_knows ? CommitEnd::unknown : CommitEnd::failed, words};
    }

    // The row lock waits until the transaction in question is over one way or the other.
    Commit resolve(const std::string& mark, const std::string& why) {
        const auto end = std::chrono::steady_clock::now() +
                         std::chrono::milliseconds(options_.resolve_within.ms);
        std::string last = why;
        const bool had_lock = lock_ == Lock::held || lock_ == Lock::asked_for;
        lock_ = Lock::none;
        while (!given_up_ && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            if (!connection_) {
                if (auto connected = connect(); !connected) {
                    last = connected.error().message;
                    continue;
                }
            }
            const auto there = read_mark(mark);
            if (!there) {
                last = there.error().message;
                continue;
            }
            // The session lock went with the connection; somebody else may choose by now, and what
            // is written stands whoever holds the lock.
            if (had_lock) static_cast<void>(lock_now());
            if (*there) return {};
            mark_.clear();
            return {CommitEnd::failed, "it was not recorded: " + why};
        }
        if (had_lock) lock_ = Lock::held;
        mark_.clear();
        return {CommitEnd::unknown, last};
    }

    // Is the transaction that left this mark on every disk? When it is not it never will be: it
    // goes on from a mark that is not there any more.
    Result<bool> read_mark(const std::string& mark) {
        begin_asking();
        const auto found = run(hold_node, {options_.node});
        if (!found) {
            rollback();
            return found.error();
        }
        if (found->rows.empty()) {
            rollback();
            return Error{row_is_gone()};
        }
        const bool there = found->rows.front().front() == mark;
        unsent_.push_back({mark_node, {there ? mark : new_mark(), options_.node}});
        const auto end = send_commit();
        if (end.end != CommitEnd::done) return Error{end.words};
        return there;
    }

    enum class Lock : std::uint8_t {
        none,
        wanted,     // with the next transaction
        asked_for,  // on a trip: it may be had or not
        held,
    };

    PostgresOptions options_;
    PostgresConnection connection_;
    std::map<std::string, std::string, std::less<>> prepared_;
    std::vector<SqlQuestion> unsent_;  // on the next trip; a transaction begins with its BEGIN
    std::string warning_;              // since it was cleared
    std::string last_state_;           // SQLSTATE of the last refusal
    std::atomic<bool> given_up_ = false;
    bool in_transaction_ = false;
    bool answer_due_ = false;  // to the unlocking
    bool overtaken_ = false;
    Lock lock_ = Lock::none;
    std::int64_t library_number_ = 0;  // 0: the lock was never had
    std::string mark_;                 // of the last commit; empty: not known
    std::string next_mark_;            // of a transaction that goes on, already on its way
    std::uint64_t marks_ = 0;
};

}  // namespace

Result<std::unique_ptr<SqlSession>> open_postgres_session(PostgresOptions options) {
    auto session = std::make_unique<PostgresSession>(std::move(options));
    if (auto connected = session->connect(); !connected) return connected.error();
    if (auto made = session->make_tables(); !made) return made.error();
    return std::unique_ptr<SqlSession>(std::move(session));
}

}  // namespace agent::mounts
