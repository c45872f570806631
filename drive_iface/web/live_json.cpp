// The library as it is this moment.

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "drive_iface/web/json_forms.hpp"

namespace drive_iface::web {

using sessions::Session;
using sessions::SessionState;
using virtual_library::Library;

namespace {

constexpr std::size_t sessions_shown_max = 256;
constexpr std::size_t recent_shown_max = 20;

Json live_text(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

Json host_json(const agent::core::InitiatorPort& port) {
    return {{"transport", agent::core::to_text(port.transport)},
            {"name", port.name},
            {"isid", live_text(port.isid)},
            {"address", live_text(port.address)}};
}

Json hosts_json(const std::vector<agent::core::InitiatorPort>& ports) {
    Json hosts = Json::array();
    for (const auto& port : ports)
        hosts.push_back(host_json(port));
    return hosts;
}

Json live_drive_json(const Library::DriveStatus& drive, const std::vector<Session>& active) {
    Json writers = Json::array();
    for (const Session& session : active) {
        if (session.drive == drive.serial) writers.push_back(session.identifier);
    }
    return {{"serial", drive.serial},
            {"product", drive.product},
            {"element_address", drive.element_address},
            {"parallel", drive.parallel},
            {"state", drive.forced_offline ? "forced_offline" : "online"},
            {"offline_reason", live_text(drive.forced_offline_reason)},
            {"cartridge", live_text(drive.barcode)},
            {"medium", drive.medium},
            {"medium_error", live_text(drive.medium_error)},
            {"reservation",
             {{"state", agent::core::to_text(drive.reservation.state)},
              {"kind", agent::core::to_text(drive.reservation.kind)},
              {"holders", hosts_json(drive.reservation.holders)}}},
            {"hosts", hosts_json(drive.logged_in)},
            {"writers", std::move(writers)}};
}

struct SplitSessions {
    std::vector<Session> active;
    std::vector<Session> recent;  // the one that ended last first
    std::size_t all = 0;
    std::size_t active_all = 0;
};

SplitSessions split(const sessions::Tracking* tracking) {
    SplitSessions result;
    if (tracking == nullptr) return result;
    auto all = tracking->list();
    result.all = all.size();
    const auto ended = std::stable_partition(all.begin(), all.end(), [](const Session& session) {
        return session.state == SessionState::active;
    });
    result.active_all = static_cast<std::size_t>(ended - all.begin());
    result.active.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                        result.active_all, sessions_shown_max)));
    const auto newest = std::min<std::ptrdiff_t>(all.end() - ended, recent_shown_max);
    std::partial_sort(ended, ended + newest, all.end(), [](const Session& a, const Session& b) {
        return std::pair(b.ended_ms, b.identifier) < std::pair(a.ended_ms, a.identifier);
    });
    result.recent.assign(ended, ended + newest);
    return result;
}

Json sessions_json(const std::vector<Session>& sessions) {
    Json all = Json::array();
    for (const Session& session : sessions)
        all.push_back(session_json(session));
    return all;
}

Json snapshots_summary(const snapshots::Snapshots* snapshots) {
    if (snapshots == nullptr) return nullptr;
    const auto all = snapshots->list();
    return {{"count", all.size()}, {"newest", all.empty() ? Json() : snapshot_json(all.back())}};
}

struct Standing {
    std::string place;
    bool virtual_volume = false;
};

std::map<std::string, Standing> standing(const Library& library) {
    std::map<std::string, Standing> places;
    for (const auto& element : library.elements()) {
        if (!element.barcode.empty())
            places[element.barcode] = {element.place, element.virtual_volume};
    }
    return places;
}

}  // namespace

Json live_json(const Shown& shown) {
    const auto sessions = split(shown.tracking);
    const auto statuses = shown.library->drives();
    Json drives = Json::array();
    for (const auto& drive : statuses)
        drives.push_back(live_drive_json(drive, sessions.active));
    return {{"now", time_text(shown.now_ms())},
            {"version", LRA_VERSION},
            {"library",
             {{"vendor", shown.vendor}, {"product", shown.product}, {"serial", shown.serial}}},
            {"parallel", shown.tracking != nullptr},
            {"drives", std::move(drives)},
            {"active", sessions_json(sessions.active)},
            {"active_count", sessions.active_all},
            {"recent", sessions_json(sessions.recent)},
            {"session_count", sessions.all},
            {"snapshots", snapshots_summary(shown.snapshots)}};
}

Json cartridges_json(const Shown& shown, std::uint64_t first, std::uint64_t count) {
    const auto places = standing(*shown.library);
    const auto all = shown.shelf->list();
    Json some = Json::array();
    for (auto at = first; at < all.size() && some.size() < count; ++at) {
        const auto& [facts, used] = all[at];
        const auto place = places.find(facts.barcode);
        some.push_back({{"barcode", facts.barcode},
                        {"place", place == places.end() ? Json() : Json(place->second.place)},
                        {"capacity", facts.capacity},
                        {"used", used},
                        {"write_protected", facts.write_protected},
                        {"worm", facts.worm},
                        {"cleaning", facts.cleaning}});
    }
    Json administrative = Json::array();
    for (const auto& [barcode, where] : places) {
        if (where.virtual_volume || barcode.starts_with("ADM"))
            administrative.push_back({{"barcode", barcode}, {"place", where.place}});
    }
    return {{"first", first},
            {"count", all.size()},
            {"cartridges", std::move(some)},
            {"administrative", std::move(administrative)}};
}

}  // namespace drive_iface::web
