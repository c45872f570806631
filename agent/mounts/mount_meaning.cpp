#include "agent/mounts/mount_meaning.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/mounts/mount_service.hpp"

namespace agent::mounts {

using core::Result;
using nlohmann::json;

namespace {

using Then = std::function<void(const Result<json>&)>;

std::string text_in(const json& params, const char* name) {
    const auto found = params.find(name);
    return found != params.end() && found->is_string() ? found->get<std::string>() : "";
}

json with_meaning(json params, json meant) {
    params["meant"] = std::move(meant);
    return params;
}

void settle_claim(MountService& service, const std::string& name, const json& params, Then then) {
    service.find_claim(
        name, [params, then = std::move(then)](const Result<std::optional<claims::Claim>>& found) {
            if (!found) return then(found.error());
            then(with_meaning(params, {{"claim", *found ? (*found)->id : 0}}));
        });
}

void settle_drive(MountService& service, const std::string& serial, const json& params, Then then) {
    service.list_drives([serial, params, then = std::move(then)](
                            const Result<std::vector<claims::DriveRow>>& drives) {
        if (!drives) return then(drives.error());
        const auto drive = std::find_if(drives->begin(), drives->end(),
                                        [&](const auto& row) { return row.serial == serial; });
        if (drive == drives->end()) return then(params);
        then(with_meaning(
            params, {{"state", std::string(to_text(drive->state))}, {"since", drive->since.ms}}));
    });
}

void settle_volume(MountService& service, const std::string& barcode, const json& params,
                   Then then) {
    service.list_volumes([barcode, params, then = std::move(then)](
                             const Result<std::vector<claims::Volume>>& volumes) {
        if (!volumes) return then(volumes.error());
        const auto volume = std::find_if(volumes->begin(), volumes->end(),
                                         [&](const auto& row) { return row.barcode == barcode; });
        if (volume == volumes->end()) return then(params);
        then(with_meaning(
            params, {{"state", std::string(to_text(volume->state))}, {"reason", volume->reason}}));
    });
}

}  // namespace

bool settle_meaning(MountService& service, const std::string& method, const json& params,
                    Then then) {
    if (!params.is_object()) return false;
    if (method == "volume.unmount") {
        settle_claim(service, text_in(params, "volume"), params, std::move(then));
    } else if (method == "claim.cancel") {
        settle_claim(service, text_in(params, "claim"), params, std::move(then));
    } else if (method == "claim.free") {
        settle_drive(service, text_in(params, "serial"), params, std::move(then));
    } else if (method == "volume.enable" || method == "volume.disable") {
        settle_volume(service, text_in(params, "volume"), params, std::move(then));
    } else {
        return false;
    }
    return true;
}

std::optional<std::uint64_t> claim_meant(const json& params) {
    const auto meant = params.find("meant");
    if (meant == params.end()) return std::nullopt;
    return meant->at("claim").get<std::uint64_t>();
}

std::optional<DriveWas> drive_meant(const json& params) {
    const auto meant = params.find("meant");
    if (meant == params.end()) return std::nullopt;
    const auto state = claims::drive_state_from_text(meant->at("state").get<std::string>());
    return DriveWas{state.value_or(claims::DriveState::free),
                    {meant->at("since").get<std::int64_t>()}};
}

std::optional<VolumeWas> volume_meant(const json& params) {
    const auto meant = params.find("meant");
    if (meant == params.end()) return std::nullopt;
    const auto state = claims::volume_state_from_text(meant->at("state").get<std::string>());
    return VolumeWas{state.value_or(claims::VolumeState::usable),
                     meant->at("reason").get<std::string>()};
}

}  // namespace agent::mounts
