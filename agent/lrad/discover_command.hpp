#pragma once

// `lrad --discover`: looks for drives, prints what it finds, and ends. Needs no configuration.

#include <optional>

#include "agent/runtime/exit_code.hpp"

namespace agent::lrad {

// Nothing when the command line does not ask for it.
[[nodiscard]] std::optional<runtime::ExitCode> discover_if_asked(int argc, const char* const* argv);

}  // namespace agent::lrad
