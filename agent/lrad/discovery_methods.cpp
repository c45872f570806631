// `lractl drive discover`: what this host and the iSCSI portals show, compared with the
// configuration.

#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <thread>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/discovery_report.hpp"
#include "agent/lrad/discovery_service.hpp"
#include "agent/lrad/drive_paths.hpp"
#include "agent/lrad/iscsi_chap.hpp"
#include "agent/lrad/portals_to_ask.hpp"
#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/discovery/discovery.hpp"

namespace agent::lrad {

using drive_iface::discovery::Discovered;
using drive_iface::discovery::DiscoveryOptions;
using nlohmann::json;
using runtime::ControlError;
using runtime::ControlErrorCode;

// Between the loop and the thread that asks. The thread may outlive the loop.
struct DiscoveryService::State {
    std::mutex mutex;  // guards what is below
    bool loop_is_there = true;
    bool under_way = false;
    std::unique_ptr<drive_iface::discovery::PathAsker> asker;  // knows what hangs from before
    std::string asker_name;                                    // what it opens with
};

namespace {

// All three steps together stay below lractl's own patience.
constexpr drive_iface::discovery::AskingLimits limits_of_an_answer{
    .at_once = 16, .each = {2'000}, .total = {2'500}};

core::Result<std::vector<std::string>> portals_asked_for(const json& params) {
    std::vector<std::string> portals;
    const auto given = params.find("portal");
    if (given == params.end() || given->is_null()) return portals;
    if (!given->is_string()) return core::Error{"portal: must be text, HOST[:PORT],..."};
    const auto& text = given->get_ref<const std::string&>();
    for (std::size_t at = 0; at <= text.size();) {
        const auto comma = std::min(text.find(',', at), text.size());
        if (comma > at) portals.push_back(text.substr(at, comma - at));
        at = comma + 1;
    }
    if (portals.size() > drive_iface::discovery::portals_max) {
        return core::Error{"portal: at most " +
                           std::to_string(drive_iface::discovery::portals_max) + " at once"};
    }
    return portals;
}

DiscoveryOptions discovery_options(const runtime::LradConfiguration& configuration,
                                   PortalsToAsk chosen) {
    DiscoveryOptions options;
    options.limits = limits_of_an_answer;
    for (const auto& drive : configuration.drives) {
        if (!drive.interface || drive.interface->type != runtime::DriveInterface::Type::iscsi)
            continue;
        options.initiator_name = drive.interface->initiator_name;
    }
    options.portals = std::move(chosen.portals);
    options.sg_nodes_expected = chosen.sg_nodes_expected;
    // The sessions that watch drives have another ISID: these do not end them.
    options.isid = drive_iface::isid_number(configuration.sharing.controller + " discover");
    options.isid_qualifier = static_cast<std::uint16_t>(::getpid());
    options.credentials = [known_ones = configuration](const std::string& url_or_portal) {
        return credentials_door(chap_for(known_ones, url_or_portal))();
    };
    return options;
}

// Other names or files, another asker: it keeps what it was made with.
std::string what_it_opens_with(const runtime::LradConfiguration& configuration) {
    std::string text;
    const auto add = [&text](const std::string& where, const auto& chap) {
        text += where + "\n";
        if (chap) text += chap_to_paste(*chap).dump() + "\n";
    };
    for (const auto& drive : configuration.drives) {
        if (!drive.interface) continue;
        add(drive.interface->url, drive.interface->chap);
        text += drive.interface->initiator_name + "\n";
    }
    for (const auto& portal : configuration.discovery_portals)
        add(portal.portal, portal.chap);
    return text;
}

// What the configuration makes of what was found.
json compared(const Discovered& discovered, const std::vector<std::string>& problems,
              const runtime::LradConfiguration& configuration,
              const std::map<core::DriveSerial, std::string>& moved) {
    json report = discovered_json(discovered);
    for (const auto& problem : problems)
        report["problems"].push_back(problem);
    std::set<std::string> configured;
    for (const auto& drive : configuration.drives)
        configured.insert(drive.serial.text);
    std::set<std::string> found;
    for (json& drive : report["drives"]) {
        const auto& serial = drive["serial"].get_ref<const std::string&>();
        found.insert(serial);
        drive["configured"] = configured.contains(serial);
        const auto elsewhere = moved.find(core::DriveSerial{serial});
        drive["found_again_at"] = elsewhere == moved.end() ? json() : json(elsewhere->second);
    }
    report["not_found"] = json::array();
    for (const auto& serial : configured) {
        if (!found.contains(serial)) report["not_found"].push_back(serial);
    }
    report["configuration"] = {{"drives", json::array()}};
    for (const json& entry : drives_to_paste(discovered)) {
        if (configured.contains(entry["serial"].get<std::string>())) continue;
        json pasted = entry;
        const std::string url = pasted["interface"].value("url", "");
        if (const auto chap = chap_for(configuration, url); !url.empty() && chap)
            pasted["interface"]["chap"] = chap_to_paste(*chap);
        report["configuration"]["drives"].push_back(std::move(pasted));
    }
    return report;
}

}  // namespace

DiscoveryService::DiscoveryService(asio::io_context& loop)
    : loop_(loop), state_(std::make_shared<State>()) {}

DiscoveryService::~DiscoveryService() {
    const std::lock_guard lock(state_->mutex);
    state_->loop_is_there = false;
}

void DiscoveryService::discover(DiscoveryOptions options, const std::string& opens_with,
                                std::function<void(const Discovered&)> done,
                                const std::function<void(const core::Error&)>& refused) {
    drive_iface::discovery::PathAsker* asker = nullptr;
    {
        const std::lock_guard lock(state_->mutex);
        if (std::exchange(state_->under_way, true))
            return refused({"drives are being looked for already; ask again in a few seconds"});
        if (!state_->asker || state_->asker_name != opens_with) {
            state_->asker = std::make_unique<drive_iface::discovery::PathAsker>(
                drive_iface::discovery::path_opener(options));
            state_->asker_name = opens_with;
        }
        asker = state_->asker.get();
    }
    try {
        std::thread([&loop = loop_, state = state_, asker, options = std::move(options),
                     done = std::move(done)] {
            auto found = std::make_shared<const Discovered>(
                drive_iface::discovery::discover(options, *asker));
            const std::lock_guard lock(state->mutex);
            state->under_way = false;
            if (!state->loop_is_there) return;
            asio::post(loop, [state, found, done] {
                if (state->loop_is_there) done(*found);
            });
        }).detach();
    } catch (const std::system_error& error) {
        const std::lock_guard lock(state_->mutex);
        state_->under_way = false;
        refused({std::string("no thread to look for drives with: ") + error.what()});
    }
}

void Controller::serve_discovery() {
    control_->on_async("drive.discover", [this](const json& params, const runtime::Caller&,
                                                const runtime::ControlServer::Answerer& answer) {
        auto portals = portals_asked_for(params);
        if (!portals)
            return answer(ControlError{ControlErrorCode::invalid_params, portals.error().message});
        const PortalsToAsk chosen = portals_to_ask(configuration_, *portals);
        discovery_.discover(
            discovery_options(configuration_, chosen), what_it_opens_with(configuration_),
            [this, answer, problems = chosen.problems](const Discovered& found) {
                answer(compared(found, problems, configuration_, paths_.moved()));
            },
            [answer](const core::Error& error) {
                answer(ControlError{ControlErrorCode::busy, error.message});
            });
    });
}

}  // namespace agent::lrad
