#pragma once

#include <functional>

#include <nlohmann/json_fwd.hpp>

#include "agent/dsad/daemon.hpp"

namespace agent::dsad {

// A dry run of the profile: what programs it calls and whether they can be called, what it asks the
// application about every drive, how each answer was understood and by which line, and what would
// be run to change a drive; it changes nothing. `done` is called once, with
// {"ok","observe_only","profile":{"name","file","description","verified","unverified"},
// "programs":[{"path","ok","owner","mode","trouble"}],
// "drives":[{"serial","application_name","ok","query","application_state","understood_from",
// "offline_would_run","online_would_run"}]}; "ok" is false when a state could not be read or a
// program can not be called.
void check_application(Daemon& daemon, std::function<void(nlohmann::json)> done);

}  // namespace agent::dsad
