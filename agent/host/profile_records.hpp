#pragma once

// Reading a drive's state from an answer that may list many drives, and may be JSON: which part of
// it is about the drive (its records), and what those say.

#include <cstdint>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/result.hpp"
#include "agent/host/argv_template.hpp"
#include "agent/host/command.hpp"
#include "agent/host/state_reader.hpp"

namespace agent::host {

// A record says this when each of `all` matches one of its lines, and none of `none` does.
struct RecordRule {
    core::ApplicationDriveState state = core::ApplicationDriveState::unknown;
    std::vector<std::string> all;
    std::vector<std::string> none;
    bool by_somebody_else = false;  // of offline: marked by somebody else than this agent
    bool say_again = false;         // of draining: offline has to be said again
    std::string why;                // for people, instead of the line that matched
};

struct RecordRules {
    enum class Form : std::uint8_t { text, json };
    Form form = Form::text;
    // text: a record begins with each line that `begin` matches and ends before the next one, or
    // before a line that `end` matches. Without `begin` the whole answer is one record.
    std::string begin;
    std::string end;
    // json: the elements of the list at the JSON pointer `list` (an object there is its only
    // element) whose members are equal to `match`. A record's lines are "name=value", of inner
    // values "outer.name=value".
    std::string list;
    std::map<std::string, std::string> match;
    // Further placeholders for the patterns above, found in the answer itself: each a pattern with
    // one group. For programs that list names and states in two tables with a number in common.
    std::map<std::string, std::string> find;
    std::vector<RecordRule> rules;    // the first one that a record matches decides for it
    std::vector<std::string> failed;  // a line of this kind: the query did not work
    std::vector<int> accepted_statuses{0};
};

// The rules for one drive.
class RecordReader {
  public:
    // Errors: a bad regular expression, a placeholder that nobody fills in, no rule for online or
    // none for offline.
    [[nodiscard]] static core::Result<RecordReader> compile(const RecordRules& rules,
                                                            const DriveNames& names);

    // As in StateReader::read(), doubt is never read as offline: without a record of the drive, or
    // when its records differ (two paths, one of them up), the state is unknown; a record that is
    // draining wins.
    [[nodiscard]] ReadState read(const CommandOutcome& outcome) const;

  private:
    RecordReader() = default;

    RecordRules rules_;
    DriveNames names_;
    std::vector<std::regex> failed_;
    std::map<std::string, std::regex> find_;
};

}  // namespace agent::host
