#pragma once

// What a request means that tells of claims, drives or volumes by name, settled before it is
// carried out: when it is carried out again, by a controller that has taken over perhaps, the name
// may mean something newer, another host's claim or a later quarantine.
//
// What it means is in the request's parameters as "meant"; without it the name counts.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/claims/claim.hpp"
#include "agent/core/result.hpp"

namespace agent::mounts {

class MountService;

// A drive or a volume as it was when the request was made.
struct DriveWas {
    claims::DriveState state = claims::DriveState::free;
    core::WallTime since;
};
struct VolumeWas {
    claims::VolumeState state = claims::VolumeState::usable;
    std::string reason;
};

// `then` once, from the loop, with the parameters that say what is meant; an error: the drive table
// can not be read. false: this method needs none of it, and `then` is not called.
[[nodiscard]] bool settle_meaning(MountService& service, const std::string& method,
                                  const nlohmann::json& params,
                                  std::function<void(const core::Result<nlohmann::json>&)> then);

[[nodiscard]] std::optional<std::uint64_t> claim_meant(const nlohmann::json& params);  // 0: none
[[nodiscard]] std::optional<DriveWas> drive_meant(const nlohmann::json& params);
[[nodiscard]] std::optional<VolumeWas> volume_meant(const nlohmann::json& params);

}  // namespace agent::mounts
