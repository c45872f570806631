#pragma once

#include <string>

#include "agent/dsad/daemon.hpp"

namespace agent::dsad {

// What GET /metrics answers (docs/METRICS.md). On the event loop's thread.
[[nodiscard]] std::string agent_metrics(const Daemon& daemon);

}  // namespace agent::dsad
