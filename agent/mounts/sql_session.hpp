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
    [[nodiscard]] virtual Commit commit() = 0;
    virtual void rollback() = 0;

    // Held over several transactions, and gone with the connection. Waits for another holder, a
    // bounded time.
    [[nodiscard]] virtual core::Outcome lock_library() = 0;
    virtual void unlock_library() = 0;

    // From any thread: nothing is waited for in vain any more. What can not be told at once is
    // `unknown`, as after an end of the program.
    virtual void give_up() noexcept {}

    // Does another process write the same table?
    [[nodiscard]] virtual bool is_shared() const = 0;
};

}  // namespace agent::mounts
