#pragma once

// Plays a scenario file: lines that begin with '>' are verbs, the lines below each are what the
// rules want done because of it. Comments ('#') and empty lines stay. The verbs:
//
//   controller                                a library reservation agent with agents alpha (domain
//   payroll, port a),
//                                             beta (domain archive, port b) and gamma, drives VT1
//                                             and VT2; timeout 10 s, 1 retry. Options:
//                                             on_missing=alarm, unknown_holder=POLICY, debounce=MS,
//                                             release_hold_down=MS, retries=N
//   see DRIVE free | unknown | PORT [pr] [by poll]   the drive says so itself; `by poll`: it was
//   asked unreachable DRIVE started AGENT LIFE, stopping AGENT LIFE, retire AGENT up AGENT ... they
//   start and confirm everything they are told (not shown) confirm AGENT DRIVE [RESULT] [ID] of the
//   newest notice sent to it; set_offline confirm_rest DRIVE AGENT ... forced DRIVE [FAILURE],
//   lifted DRIVE [FAILURE], force DRIVE, clear DRIVE restart                                   kill
//   -9 and a new process with what was recorded; replaced: another controller serves, with the same
//   records but without what is owed; take_over AGENT [LIFE]: it asks the agent, having heard LIFE
//   start meanwhile; pass MS                                   time,
//   with every wake-up in it show                                      drives, agents, what is
//   owed, alarms
//
//   host [observe_only]                       a drive sharing agent: beta, domain archive, port b,
//   drives VT1 and VT2 notice DRIVE free | unknown | PORT [DOMAIN] [forced_offline] [id=ID] answer
//   DRIVE ACTION ok | failed [STATE]   the application's command ended operator DRIVE offline |
//   online acknowledged started | stopping, stop (restart, pass and show as above)

#include <string>

namespace core_test {

// The scenario with what happens now below each verb. An unknown verb or word is shown as such.
[[nodiscard]] std::string play_scenario(const std::string& text);

}  // namespace core_test
