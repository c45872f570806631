#pragma once

// PostgreSQL's own programs, run to their end as the server's user. Belongs to one thread.

#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/postgres/connection.hpp"
#include "agent/postgres/server_folder.hpp"

namespace agent::postgres {

class ServerPrograms {
  public:
    ServerPrograms(const ServerFolder& folder, std::string programs)
        : folder_(folder), programs_(std::move(programs)) {}

    // What it printed. words[0]: its name. An error has its last complaint; one that takes too
    // long, or that somebody wants to end, is killed.
    [[nodiscard]] core::Result<std::string> run(std::vector<std::string> words,
                                                core::Duration within,
                                                const Interrupted& interrupted = {}) const;

    // Major version, as PG_VERSION has it: "15".
    [[nodiscard]] core::Result<std::string> version() const;
    // The report of pg_controldata about the data of a stopped server.
    [[nodiscard]] core::Result<std::string> control_report() const;

  private:
    const ServerFolder& folder_;
    std::string programs_;
};

// The line of a program's complaints that says most.
[[nodiscard]] std::string complaint_in(const std::string& text);

}  // namespace agent::postgres
