#pragma once

// `lractl agent check NAME`: tries everything that an agent played here needs, and says of each
// step what was tried, what came back and what to do. Changes nothing on the host.

#include <functional>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/notice.hpp"

namespace asio {
class io_context;
}

namespace agent::agentless {

class AgentlessHosts;

// `done` is called once, from the loop, within 9 seconds: {"name","address","ok","observe_only",
// "next_step","ssh","steps":[{"step","ok","result","help"}],"ports","found_drives","application":[{"serial",
// "application_name","ok","application_state","understood_from","query","offline_would_run",
// "online_would_run"}]}. What has not answered by then is a step that did not work.
// `agent` is one that `hosts` plays; `hosts` outlives the loop's work.
void check_host(asio::io_context& loop, AgentlessHosts& hosts, const core::AgentName& agent,
                std::function<void(nlohmann::json)> done);

}  // namespace agent::agentless
