#pragma once

// One connection to the database of the drive table, as narrow as the two engines allow: SQLite for
// one controller, PostgreSQL for several. Statements are written once, for both: $1, $2 ... in the
// order of their first use, texts and whole numbers. Blocks; one thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::mounts {

using SqlValue = std::variant<std::monostate, std::int64_t, std::string>;
using SqlCell = std::optional<std::string>;  // nothing: NULL

struct SqlAnswer {
    std::vector<std::vector<SqlCell>> rows;
    std::uint64_t changed = 0;  // rows that the statement has changed
};

// `sql` lives as long as the session: a literal.
struct SqlQuestion {
    std::string_view sql;
    std::vector<SqlValue> values;
};

enum class CommitEnd : std::uint8_t {
    done,     // on the disk, on every disk that the configuration asks for
    failed,   // nothing of it is there
    unknown,  // nobody can say: read before anything is sent to a device
};
struct Commit {
    CommitEnd end = CommitEnd::done;
    std::string words;  // why, when it is not done
};

class SqlSession {
  public:
    virtual ~SqlSession() = default;

    // One behind the other, each sees what those before it have done; PostgreSQL: one trip to the
    // server. As many answers as questions. An error inside a transaction ends it; only rollback()
    // may follow.
    [[nodiscard]] virtual core::Result<std::vector<SqlAnswer>> ask(
        const std::vector<SqlQuestion>& questions) = 0;
    [[nodiscard]] core::Result<SqlAnswer> run(std::string_view sql, std::vector<SqlValue> values) {
        auto answers = ask({{sql, std::move(values)}});
        if (!answers) return answers.error();
        return std::move(answers.value().front());
    }

    // Inside a transaction: a change that is made before whatever is asked next and before the
    // commit, on the same trip. That it was refused may be told there only.
    [[nodiscard]] virtual core::Outcome put(std::string_view sql, std::vector<SqlValue> values) = 0;

    // Connects again when the connection was lost. That the server is gone shows with the first
    // question.
    [[nodiscard]] virtual core::Outcome begin() = 0;
    // A transaction that counts only when nobody has changed the library since the last commit of
    // this session, and under this epoch; else it fails, nothing of it is there, and begin() is the
    // way. What that commit has left need not be asked for again: with nothing asked, all of it is
    // one trip to the server. Only when can_go_on().
    [[nodiscard]] virtual core::Outcome go_on(std::uint64_t epoch) = 0;
    [[nodiscard]] virtual bool can_go_on() const = 0;
    // After the failure of such a one: because the library, or a row that was added, was not as it
    // was left, or because that was not looked at yet.
    [[nodiscard]] virtual bool was_overtaken() const = 0;
    [[nodiscard]] virtual Commit commit() = 0;
    virtual void rollback() = 0;

    // Held over several transactions, and gone with the connection. Waits for another holder, a
    // bounded time. It may be had with the next transaction only, whose failure tells then that it
    // was not.
    [[nodiscard]] virtual core::Outcome lock_library() = 0;
    // Not waited for.
    virtual void unlock_library() = 0;

    // From any thread: nothing is waited for in vain any more. What can not be told at once is
    // `unknown`, as after an end of the program.
    virtual void give_up() noexcept {}

    // Does another process write the same table?
    [[nodiscard]] virtual bool is_shared() const = 0;
};

}  // namespace agent::mounts
