#pragma once

// The verbs of the noun application: a part of the command table.

#include "agent/shell/command_table.hpp"

namespace agent::shell::application_verbs {

using enum Daemon;
using enum ValueKind;
using enum Presence;

inline constexpr Parameter operated_drive{"serial", "SERIAL", serial, required,
                                          "the drive's serial number"};
inline constexpr Parameter a_reason{"reason", "TEXT", reason, optional,
                                    "why; written to the event log"};

inline constexpr Command table[] = {
    {.noun = "application",
     .verb = "list",
     .served_by = {dsad},
     .view = View::applications,
     .help = "every drive as the application sees it, and what dsad took offline",
     .example = "application list"},
    {.noun = "application",
     .verb = "offline",
     .served_by = {dsad},
     .positionals = {operated_drive},
     .options = {a_reason},
     .view = View::facts,
     .help = "set the drive offline in the application",
     .example = "application offline VT00000001"},
    {.noun = "application",
     .verb = "online",
     .served_by = {dsad},
     .positionals = {operated_drive},
     .options = {a_reason},
     .view = View::facts,
     .help = "set the drive online in the application",
     .example = "application online VT00000001"},
    {.noun = "application",
     .verb = "query",
     .served_by = {dsad},
     .positionals = {operated_drive},
     .view = View::facts,
     .help = "ask the application what state the drive is in",
     .example = "application query VT00000001"},
    {.noun = "application",
     .verb = "check",
     .served_by = {dsad},
     .view = View::application_check,
     .help = "dry run: show the commands that would be run, and ask for states",
     .example = "application check"},
    {.noun = "application",
     .verb = "profiles",
     .served_by = {dsad},
     .view = View::profiles,
     .help = "the profiles there are, and what each wants filled in",
     .example = "application profiles"},
    {.noun = "application",
     .verb = "reconcile",
     .served_by = {dsad},
     .view = View::facts,
     .help = "ask the controllers for the state of all drives and put right what differs; exit "
             "code 3 when something is missing",
     .example = "application reconcile"},
};

}  // namespace agent::shell::application_verbs
