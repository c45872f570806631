#pragma once

#include <optional>
#include <string>

#include "agent/core/holder_question.hpp"
#include "agent/host/open_files.hpp"

namespace agent::host {

// The parts of an answer, and what they come to. Pure.
struct HolderSigns {
    std::optional<std::string> application_uses_it;  // the line of the query that says so
    bool application_told = false;                   // it was asked, and its answer was understood
    std::optional<OpenFiles> open_files;             // nothing: not looked for
    std::optional<int> probe_status;                 // exit status of the probe
};
struct HolderVerdict {
    core::HolderAnswer answer = core::HolderAnswer::can_not_tell;
    std::string why;
};
// One sign of use is enough for "mine". "Not mine" needs every process looked into, or the probe's
// word; an application that is idle proves nothing about others on its host.
[[nodiscard]] HolderVerdict verdict_of(const HolderSigns& signs);

}  // namespace agent::host
