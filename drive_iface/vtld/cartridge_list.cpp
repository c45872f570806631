#include "drive_iface/vtld/cartridge_list.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "drive_iface/sessions/tracking.hpp"

namespace drive_iface::vtld {

using nlohmann::json;

namespace {

// What the write sessions say of each volume: how many are still to be copied, and what is wrong.
struct WaitingSessions {
    std::size_t count = 0;
    std::vector<std::string> troubles;
};
std::map<std::string, WaitingSessions> waiting_sessions(const Running& running) {
    std::map<std::string, WaitingSessions> all;
    if (running.tracking == nullptr) return all;
    for (const auto& session : running.tracking->list()) {
        if (session.state != sessions::SessionState::complete) continue;
        auto& waiting = all[session.volume];
        ++waiting.count;
        if (!session.reason.empty()) {
            waiting.troubles.push_back("write session " + std::to_string(session.identifier) + " " +
                                       session.reason);
        }
    }
    return all;
}

}  // namespace

json cartridges_json(const Running& running, const CartridgeJobs& jobs) {
    std::map<std::string, std::string> places;
    for (const auto& element : running.bay->library().elements()) {
        if (!element.barcode.empty()) places[element.barcode] = element.place;
    }
    auto waiting = waiting_sessions(running);
    json all = json::array();
    for (const auto& entry : running.shelf->list()) {
        const std::string& barcode = entry.facts.barcode;
        const auto found = places.find(barcode);
        const std::string place = found == places.end() ? "outside" : found->second;
        auto& sessions = waiting[barcode];
        auto troubles = std::move(sessions.troubles);
        json one{{"barcode", barcode},
                 {"place", place},
                 {"capacity", entry.facts.capacity},
                 {"used", entry.used},
                 {"write_protected", entry.facts.write_protected},
                 {"worm", entry.facts.worm},
                 {"cleaning", entry.facts.cleaning},
                 {"sessions_waiting", sessions.count}};
        if (const auto report = running.shelf->show(barcode)) {
            one["blocks"] = report->objects - report->filemarks;
            one["filemarks"] = report->filemarks;
            troubles.insert(troubles.begin(), report->troubles.begin(), report->troubles.end());
        }
        const auto job = jobs.find(barcode);
        one["state"] = job != jobs.end()               ? job->second.kind
                       : !troubles.empty()             ? "trouble"
                       : place.rfind("drive ", 0) == 0 ? "mounted"
                                                       : "shelved";
        one["troubles"] = std::move(troubles);
        all.push_back(std::move(one));
    }
    return all;
}

json jobs_json(const CartridgeJobs& jobs) {
    json all = json::array();
    for (const auto& [barcode, job] : jobs) {
        all.push_back({{"barcode", barcode},
                       {"kind", job.kind},
                       {"bytes_done", job.progress.bytes_done},
                       {"bytes_total", job.progress.bytes_total}});
    }
    return all;
}

}  // namespace drive_iface::vtld
