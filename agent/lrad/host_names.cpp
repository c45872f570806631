#include "agent/lrad/host_names.hpp"

#include <nlohmann/json.hpp>
#include <set>

namespace agent::lrad {

using nlohmann::json;

namespace {

// Nothing: the host is not played for this drive.
std::optional<std::string> drive_name_at(const HostNames& host, const std::string& serial) {
    const auto found = host.names.find(serial);
    if (found != host.names.end()) return found->second;
    return host.discovers ? std::optional(serial) : std::nullopt;
}

std::string drives_differ(const HostNames& here, const HostNames& there, const std::string& other) {
    std::set<std::string> serials;
    for (const auto* host : {&here, &there}) {
        for (const auto& [serial, name] : host->names)
            serials.insert(serial);
    }
    std::string words;
    for (const auto& serial : serials) {
        const auto ours = drive_name_at(here, serial);
        const auto theirs = drive_name_at(there, serial);
        if (!ours || !theirs || *ours == *theirs) continue;
        words += (words.empty() ? "" : "; ") + std::string("drive ") + serial + " is \"" + *ours +
                 "\" in the configuration here and \"" + *theirs + "\" in that of " + other;
    }
    return words;
}

}  // namespace

NamesOfHosts names_of_hosts(const runtime::LradConfiguration& configuration) {
    NamesOfHosts hosts;
    for (const auto& agent : configuration.agents) {
        if (!agent.agentless) continue;
        const auto& settings = agent.agentless->agent;
        HostNames& host = hosts[agent.name];
        host.discovers = settings.discover_drives;
        if (host.discovers) host.names = settings.application_names;
        for (const auto& drive : settings.drives)
            host.names[drive.serial.text] = drive.application_name;
    }
    return hosts;
}

std::string text_of(const NamesOfHosts& hosts) {
    json text = json::object();
    for (const auto& [name, host] : hosts)
        text[name] = {{"discovers", host.discovers}, {"names", host.names}};
    return text.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<NamesOfHosts> names_from(const std::string& text) {
    const json content = json::parse(text, nullptr, false);
    if (!content.is_object()) return std::nullopt;
    NamesOfHosts hosts;
    try {
        for (const auto& [name, host] : content.items()) {
            hosts[name] = {host.at("discovers").get<bool>(),
                           host.at("names").get<std::map<std::string, std::string>>()};
        }
    } catch (const json::exception&) {
        return std::nullopt;
    }
    return hosts;
}

std::map<core::AgentName, std::string> differences(const NamesOfHosts& here,
                                                   const NamesOfHosts& there,
                                                   const std::string& other) {
    std::map<core::AgentName, std::string> told;
    for (const auto& [name, host] : here) {
        const auto found = there.find(name);
        if (found == there.end()) {
            told[name] = "it has a section ssh here, and none in the configuration of " + other;
        } else if (auto words = drives_differ(host, found->second, other); !words.empty()) {
            told[name] = std::move(words);
        }
    }
    for (const auto& [name, host] : there) {
        if (here.contains(name)) continue;
        told[name] =
            "it has a section ssh in the configuration of " + other + ", and none in the one here";
    }
    return told;
}

}  // namespace agent::lrad
