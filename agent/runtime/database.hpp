#pragma once

// SQLite behind a narrow door: one file, one connection, errors in words. Inside this room only.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "agent/core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace agent::runtime {

// One statement. A failure while it is prepared or bound is answered by step().
class Statement {
  public:
    Statement(sqlite3* connection, const std::string& file, std::string_view sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    // In the order of the statement's question marks.
    Statement& bind(std::string_view text);
    Statement& bind(std::int64_t number);
    Statement& bind(std::uint64_t number);  // kept as its two's complement
    Statement& bind_null();
    // NULL when there is nothing.
    template <typename Value>
    Statement& bind(const std::optional<Value>& value) {
        if (!value) return bind_null();
        if constexpr (std::is_unsigned_v<Value>) {
            return bind(std::uint64_t{*value});
        } else {
            return bind(*value);
        }
    }

    // true: there is a row; false: done.
    [[nodiscard]] core::Result<bool> step();
    // For what returns no rows.
    [[nodiscard]] core::Outcome run();

    // Of the row, columns counted from 0.
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::int64_t number(int column) const;
    [[nodiscard]] std::uint64_t unsigned_number(int column) const;
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::optional<std::int64_t> optional_number(int column) const;
    [[nodiscard]] std::optional<std::uint64_t> optional_unsigned_number(int column) const;

  private:
    void keep(int code);
    sqlite3* connection_;
    std::string file_;
    sqlite3_stmt* statement_ = nullptr;
    int failure_ = 0;
    int next_parameter_ = 1;
};

// What a file is meant to be.
struct DatabaseKind {
    std::string what;                 // "lrad's store"
    std::int64_t application_id = 0;  // SQLite's header field: which program's file this is
    std::int64_t version = 1;         // of the tables
    std::string tables;               // SQL that makes them
    // How an older file becomes one of this version: SQL for each step, keyed by the version before
    // it. One transaction; a program older than the file refuses it.
    std::map<std::int64_t, std::string> upgrades;
    // SQL that is run whenever a file is opened, a new one too: what a program of the same version
    // that does not know it can live with, so IF [NOT] EXISTS throughout.
    std::string additions = {};
};

class Database {
  public:
    [[nodiscard]] static core::Result<std::unique_ptr<Database>> open(const std::string& file,
                                                                      const DatabaseKind& kind);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    [[nodiscard]] Statement prepare(std::string_view sql) const {
        return {connection_, file_, sql};
    }
    [[nodiscard]] core::Outcome execute(const std::string& sql);

    // All of `body` or nothing, and on the disk when it returns well.
    [[nodiscard]] core::Outcome transaction(const std::function<core::Outcome()>& body);
    // The same, but only safe from this process's end, not from the host's: synced with the next
    // transaction().
    [[nodiscard]] core::Outcome unsynced_transaction(const std::function<core::Outcome()>& body);

    [[nodiscard]] const std::string& file() const { return file_; }
    // "FILE: WHAT", for contents that make no sense.
    [[nodiscard]] core::Error damaged(const std::string& what) const;

  private:
    Database(std::string file, sqlite3* connection);
    [[nodiscard]] core::Outcome set_up(const DatabaseKind& kind);
    [[nodiscard]] core::Outcome identify(const DatabaseKind& kind);
    [[nodiscard]] core::Outcome upgrade(const DatabaseKind& kind, std::int64_t version);
    [[nodiscard]] core::Result<std::int64_t> single_number(const std::string& sql) const;

    std::string file_;
    sqlite3* connection_;
};

}  // namespace agent::runtime
