#pragma once

#include <functional>

#include <nlohmann/json_fwd.hpp>

#include "agent/dsad/daemon.hpp"

namespace agent::dsad {

// A dry run of the profile: asks the application for every drive's state, says how each answer was
// understood and what would be run to change it, and changes nothing. `done` is called once, with
// {"ok","observe_only","drives":[{"serial","application_name","ok","query","application_state","understood_from",
// "offline_would_run","online_would_run"}]}.
void check_application(Daemon& daemon, std::function<void(nlohmann::json)> done);

}  // namespace agent::dsad
