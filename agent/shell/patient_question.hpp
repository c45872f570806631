#pragma once

// A question that a daemon answers after minutes: what is shown meanwhile, and what Ctrl-C does.

#include <cstdio>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "agent/core/time.hpp"
#include "agent/runtime/control_protocol.hpp"

namespace agent::shell {

struct PatientQuestion {
    std::string socket;
    std::string method;
    const nlohmann::json& params;
    core::Duration answered_within{};
    // How far it is; asked a few times a second while somebody sees it.
    std::function<std::string()> progress;
    // Has the daemon give it up; empty: can not be given up.
    std::function<runtime::ControlAnswer()> cancel;
    std::FILE* shown_on = nullptr;  // only where it is a terminal
};

// Ctrl-C cancels, and the answer says what became of it. Where nothing can be cancelled, and at the
// second time, it is no longer waited for: an error that says so.
[[nodiscard]] runtime::ControlAnswer ask_patiently(const PatientQuestion& question);

}  // namespace agent::shell
