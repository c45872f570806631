#pragma once

// What lractl can ask of the mount service: volume.*, claim.*.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/runtime/control_server.hpp"

namespace agent::mounts {

struct MountMethodDoors {
    // Notes in the audit trail what a person did; an error refuses it.
    std::function<core::Outcome(const runtime::Caller& caller, const std::string& action,
                                const std::string& subject, const std::string& reason)>
        audit;
    std::function<std::vector<std::string>()> hosts;  // those a volume can be mounted for
    core::Duration deadline{3'600'000};               // when none is given
};

// Before the server listens. Both live as long as the methods can be called.
void serve_mounts(runtime::ControlServer& server, const std::shared_ptr<MountService>& service,
                  MountMethodDoors doors);

// The same methods where no changer is configured: they say so.
void refuse_mounts(runtime::ControlServer& server);

}  // namespace agent::mounts
