#pragma once

// What lractl can ask of the mount service: volume.*, claim.*.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/mounts/open_answers.hpp"
#include "agent/runtime/control_server.hpp"

namespace agent::mounts {

struct MountMethodDoors {
    // Notes in the audit trail what a person did; an error refuses it.
    std::function<core::Outcome(const runtime::Caller& caller, const std::string& action,
                                const std::string& subject, const std::string& reason)>
        audit;
    std::function<std::vector<std::string>()> hosts;  // those a volume can be mounted for
    core::Duration deadline{3'600'000};               // when none is given
    // Why nothing new is mounted here at this moment; nothing: it is. Of two controllers the other
    // one may be who serves.
    std::function<std::optional<MountFault>()> not_now = [] { return std::optional<MountFault>(); };
    // Asked first: true when somebody else serves the request and will answer it.
    std::function<bool(const std::string& method, const nlohmann::json& params,
                       const runtime::Caller& caller, const runtime::ControlServer::Answerer&)>
        pass_on;
    // Through it whoever waits is told that the service was given up.
    std::shared_ptr<OpenAnswers> open_answers = OpenAnswers::make();
};

// Asked at each call; null: none here at this moment, and not_now says why.
using MountServiceSource = std::function<std::shared_ptr<MountService>()>;

// Requests that another controller has passed on.
struct MountDispatch {
    // As if it had been called here; false: there is no method of this name.
    std::function<bool(const std::string& method, const nlohmann::json& params,
                       const runtime::Caller& caller, runtime::ControlServer::Answerer answer)>
        serve;
    // As settle_meaning(); false also while there is no service.
    std::function<bool(const std::string& method, const nlohmann::json& params,
                       std::function<void(const core::Result<nlohmann::json>&)> then)>
        settle_meaning;
};

// Before the server listens. Both live as long as the methods can be called.
MountDispatch serve_mounts(runtime::ControlServer& server, MountServiceSource service,
                           MountMethodDoors doors);

// The same methods where no changer is configured: they say so.
void refuse_mounts(runtime::ControlServer& server);

}  // namespace agent::mounts
