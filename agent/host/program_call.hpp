#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/host/command.hpp"
#include "agent/host/profile_answer.hpp"
#include "agent/host/state_reader.hpp"

namespace agent::host {

// One call of the backup application as it went: for the audit trail and for `application check`.
struct ProgramCall {
    core::DriveSerial drive;
    core::ApplicationAction action = core::ApplicationAction::query;
    // Exactly what was run, empty when nothing was; secrets are shown as ***, here and below.
    std::vector<std::string> argv;
    CommandOutcome outcome;
    bool succeeded = false;
    ReadState read;        // of a query
    std::string detail;    // why it did not succeed; one line
    std::string input;     // what it was given to read
    std::size_t step = 0;  // of `steps`, when an action needs several calls; the last one made
    std::size_t steps = 1;
    std::optional<ReadAnswer> said;  // of offline and online: by this step
    // Of the whole action: it was as wanted before.
    bool by_somebody_else = false;
};

// The text with each of the secrets in it replaced by ***.
[[nodiscard]] std::string without_secrets(std::string text,
                                          const std::vector<std::string>& secrets);

// `query VT1: ["/usr/bin/app","status","LTO 1"] exit status 0 in 12 ms: "LTO 1 online" -> online`:
// one line, the argv unambiguous whatever characters it has, output shortened.
[[nodiscard]] std::string audit_line(const ProgramCall& call);

// ["a","b c"] with JSON's escapes; bytes outside printable ASCII as \u00XX.
[[nodiscard]] std::string argv_text(const std::vector<std::string>& argv);

// `["/usr/bin/app","offline"]`, with ` < ["line","line"]` when it is given something to read;
// without its secrets.
[[nodiscard]] std::string shown_command(const Command& command);

// What the rules are told.
[[nodiscard]] core::ApplicationAnswered answer(const ProgramCall& call);

}  // namespace agent::host
