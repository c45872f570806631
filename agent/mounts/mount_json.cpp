#include "agent/mounts/mount_json.hpp"

#include <nlohmann/json.hpp>

#include "agent/runtime/clock.hpp"
#include "drive_iface/device/fence_key.hpp"

namespace agent::mounts {

using nlohmann::json;

namespace {

template <typename Value>
json or_null(const std::optional<Value>& value) {
    return value ? json(*value) : json();
}

json time_or_null(core::WallTime at) {
    return at.ms == 0 ? json() : json(runtime::to_text(at));
}

json text_or_null(const std::string& text) {
    return text.empty() ? json() : json(text);
}

}  // namespace

json claim_json(const ClaimView& view) {
    const auto& claim = view.claim;
    return {{"claim", claim.id},
            {"request", claim.request},
            {"volume", claim.volume},
            {"drive", or_null(claim.drive)},
            {"host", text_or_null(claim.host)},
            {"access", std::string(to_text(claim.access))},
            {"state", std::string(to_text(claim.state))},
            {"ending", claim.ending == claims::ClaimEnding::none
                           ? json()
                           : json(std::string(to_text(claim.ending)))},
            {"reason", text_or_null(claim.reason)},
            {"position", view.position == 0 ? json() : json(view.position)},
            {"step", text_or_null(view.step)},
            {"wait", claim.wait},
            {"node", claim.node},
            {"epoch", claim.epoch},
            {"home", or_null(claim.home)},
            {"failed_drive", or_null(claim.failed_drive)},
            {"asked_at", runtime::to_text(claim.asked_at)},
            {"changed_at", runtime::to_text(claim.changed_at)},
            {"deadline", runtime::to_text(claim.deadline)}};
}

json volume_json(const claims::Volume& volume) {
    const bool missing = volume.place == claims::Place::missing;
    return {{"barcode", volume.barcode},
            {"generation", text_or_null(volume.generation)},
            {"kind", std::string(to_text(volume.kind))},
            {"state", std::string(to_text(volume.state))},
            {"reason", text_or_null(volume.reason)},
            {"place", std::string(to_text(volume.place))},
            {"element", missing ? json() : json(volume.element)},
            {"drive", or_null(volume.drive)},
            {"home", or_null(volume.home)},
            {"since", time_or_null(volume.since)}};
}

json drive_row_json(const claims::DriveRow& drive) {
    return {{"serial", drive.serial},
            {"element_address", drive.element},
            {"generation", text_or_null(drive.generation)},
            {"state", std::string(to_text(drive.state))},
            {"volume", or_null(drive.volume)},
            {"claim", or_null(drive.claim)},
            {"node", text_or_null(drive.node)},
            {"epoch", drive.epoch},
            {"key", drive.key == 0 ? json() : json(core::reservation_key_text(drive.key))},
            {"home", or_null(drive.home)},
            {"mounts", drive.mounts},
            {"errors", drive.errors},
            {"last_used", drive.last_used},
            {"since", time_or_null(drive.since)},
            {"reason", text_or_null(drive.reason)}};
}

json counts_json(const claims::DriveCounts& counts) {
    return {{"fitting", counts.fitting},
            {"busy", counts.busy},
            {"offline", counts.offline},
            {"quarantined", counts.quarantined},
            {"reserved_by_other", counts.reserved_other},
            {"no_path", counts.no_path},
            {"tried", counts.tried}};
}

}  // namespace agent::mounts
