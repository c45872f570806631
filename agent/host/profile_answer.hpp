#pragma once

// What a program that was told to change a drive's state has answered. Exit statuses lie: some
// consoles end with 0 whatever the daemon behind them said, some find nothing to do and call that
// success. So the words count first.

#include <cstdint>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/host/argv_template.hpp"
#include "agent/host/command.hpp"

namespace agent::host {

// ECMAScript regular expressions, each searched in every line of stdout and stderr; placeholders as
// in argv, their values stand for themselves.
struct AnswerRules {
    std::vector<std::string> failed;
    std::vector<std::string>
        not_ours;                   // the application does not let this host, or says whose it is
    std::vector<std::string> busy;  // refused as long as a job uses the drive
    std::vector<std::string> already;  // it was so before
    std::vector<std::string> done;     // when there are any, nothing else is believed to be success
    std::vector<int> accepted_statuses{0};
};

enum class AnswerKind : std::uint8_t { failed, not_ours, busy, already, done };
[[nodiscard]] std::string_view to_text(AnswerKind value);

struct ReadAnswer {
    AnswerKind kind = AnswerKind::failed;
    std::string how;  // for people: which line or exit status said so
};

// The rules for one drive, compiled.
class AnswerReader {
  public:
    // Errors: a bad regular expression, a placeholder without a value, no accepted exit status.
    [[nodiscard]] static core::Result<AnswerReader> compile(const AnswerRules& rules,
                                                            const DriveNames& names);

    // The gravest kind that a line matches, in the order of AnswerKind. Without any: done when the
    // exit status is accepted and no pattern says what done looks like, failed otherwise. A status
    // that is not accepted makes failed of done, but not of busy or already.
    [[nodiscard]] ReadAnswer read(const CommandOutcome& outcome) const;

  private:
    struct Pattern {
        AnswerKind kind;
        std::string text;
        std::regex compiled;
    };
    [[nodiscard]] core::Outcome add(AnswerKind kind, const std::vector<std::string>& patterns,
                                    const DriveNames& names);

    std::vector<Pattern> patterns_;  // the gravest first
    std::vector<int> accepted_statuses_;
    bool knows_done_ = false;
};

}  // namespace agent::host
