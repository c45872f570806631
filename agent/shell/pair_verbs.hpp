#pragma once

// The verbs of the noun pair: a part of the command table.

#include "agent/shell/command_table.hpp"

namespace agent::shell::pair_verbs {

using enum Daemon;
using enum ValueKind;
using enum Presence;

inline constexpr Parameter why{"reason", "TEXT", reason, required,
                               "why; written to the audit trail with your name"};
inline constexpr Parameter the_node{"node", "NODE", text, required,
                                    "first, second, both, or a controller's name"};

inline constexpr Command table[] = {
    {.noun = "pair",
     .verb = "show",
     .served_by = {lrad, dsad},
     .view = View::pair,
     .help = "what this node or agent is in the pair, and what it hears of the others",
     .example = "pair show"},
    {.noun = "pair",
     .verb = "votes",
     .served_by = {lrad, dsad},
     .view = View::pair_votes,
     .help = "the newest vote: each agent's answer, and what it came to",
     .example = "pair votes"},
    {.noun = "pair",
     .verb = "keys",
     .served_by = {lrad, dsad},
     .view = View::pair_keys,
     .help = "the shutdown keys: who left service, when, how and with what",
     .example = "pair keys"},
    {.noun = "pair",
     .verb = "shutdown",
     .served_by = {lrad, dsad},
     .positionals = {the_node},
     .options = {Parameter{"mode", "MODE", text, optional,
                           "normal (the default), expedite, immediate or forced"},
                 why},
     .view = View::pair,
     .help = "take a node, or both, out of service; given to one, carried to all",
     .example = "pair shutdown first --mode normal --reason new-disks"},
    {.noun = "pair",
     .verb = "recover",
     .served_by = {lrad},
     .positionals = {Parameter{"node", "NODE", text, required,
                               "this node: first, second or its name"}},
     .options = {Parameter{"forced", "NAME", text, optional,
                           "serve whatever the agents say: the node's name again, typed by hand"},
                 Parameter{"reason", "TEXT", reason, optional,
                           "why; needed with --forced, written to the audit trail"}},
     .view = View::pair,
     .help = "bring a node back that was shut down, or try again at once",
     .example = "pair recover first"},
    {.noun = "pair",
     .verb = "enrol",
     .served_by = {lrad},
     .options = {Parameter{"agent", "NAME", agent_name, optional,
                           "an agent whose store was lost; give it on both nodes"},
                 Parameter{"found", "CLUSTER", text, optional,
                           "begin a new pair with all its agents: its name, typed by hand"},
                 why},
     .view = View::pair,
     .help = "found the pair, or take in an agent that has lost its store",
     .example = "pair enrol --found library-1 --reason founding"},
    {.noun = "pair",
     .verb = "hold",
     .served_by = {dsad},
     .options = {why},
     .view = View::pair,
     .help = "this agent agrees to no node that wants to serve alone, until it is released",
     .example = "pair hold --reason maintenance"},
    {.noun = "pair",
     .verb = "release",
     .served_by = {dsad},
     .options = {why},
     .view = View::pair,
     .help = "this agent votes by its rules again",
     .example = "pair release --reason done"},
};

}  // namespace agent::shell::pair_verbs
