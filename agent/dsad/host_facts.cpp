#include "agent/dsad/host_facts.hpp"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "agent/runtime/clock.hpp"
#include "snmp_mib/durable_file.hpp"

namespace agent::dsad {

using nlohmann::json;

namespace {

constexpr int facts_version = 1;
constexpr std::size_t facts_bytes_max = 1'048'576;

std::optional<std::string> text_of_key(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
}

std::optional<bool> truth_of_key(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_boolean()) return std::nullopt;
    return found->get<bool>();
}

std::optional<core::WallTime> time_of_key(const json& object, const char* key) {
    const auto text = text_of_key(object, key);
    return text ? runtime::wall_time_from_text(*text) : std::nullopt;
}

std::optional<DriveFact> drive_fact(const json& object) {
    if (!object.is_object()) return std::nullopt;
    const auto serial = text_of_key(object, "serial");
    const auto added = truth_of_key(object, "added");
    const auto name = text_of_key(object, "application_name");
    const auto device = text_of_key(object, "device");
    const auto actor = text_of_key(object, "by");
    const auto at = time_of_key(object, "at");
    if (!serial || serial->empty() || !added || !name || !device || !actor || !at)
        return std::nullopt;
    return DriveFact{{*serial}, *added, *name, *device, *actor, *at};
}

std::optional<PortFact> port_fact(const json& object) {
    if (!object.is_object()) return std::nullopt;
    const auto name = text_of_key(object, "port");
    const auto port = name ? core::initiator_port_from_text(*name) : std::nullopt;
    const auto own = truth_of_key(object, "own");
    const auto actor = text_of_key(object, "by");
    const auto at = time_of_key(object, "at");
    if (!port || !own || !actor || !at) return std::nullopt;
    return PortFact{*port, *own, *actor, *at};
}

core::Error senseless(const std::string& what) {
    return {what + " makes no sense"};
}

}  // namespace

std::string host_facts_text(const HostFacts& facts) {
    json drives = json::array();
    for (const DriveFact& fact : facts.drives) {
        drives.push_back({{"serial", fact.serial.text},
                          {"added", fact.added},
                          {"application_name", fact.application_name},
                          {"device", fact.device},
                          {"by", fact.actor},
                          {"at", runtime::to_text(fact.at)}});
    }
    json ports = json::array();
    for (const PortFact& fact : facts.ports) {
        ports.push_back({{"port", core::to_text(fact.port)},
                         {"own", fact.own},
                         {"by", fact.actor},
                         {"at", runtime::to_text(fact.at)}});
    }
    const json file{{"version", facts_version}, {"drives", drives}, {"ports", ports}};
    return file.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

core::Result<HostFacts> host_facts_from_text(std::string_view text) {
    const json file = json::parse(text, nullptr, false);
    if (!file.is_object()) return core::Error{"is no JSON object"};
    if (file.value("version", json()) != facts_version)
        return core::Error{"was written by another version of dsad"};
    const auto drives = file.find("drives");
    const auto ports = file.find("ports");
    if (drives == file.end() || !drives->is_array() || ports == file.end() || !ports->is_array())
        return core::Error{"has no lists of drives and ports"};
    if (drives->size() > host_facts_max || ports->size() > host_facts_max)
        return core::Error{"has more than " + std::to_string(host_facts_max) + " entries"};
    HostFacts facts;
    for (const json& object : *drives) {
        auto fact = drive_fact(object);
        const std::string place = "drives[" + std::to_string(facts.drives.size()) + "]";
        if (!fact) return senseless(place);
        for (const DriveFact& other : facts.drives) {
            if (other.serial == fact->serial) return core::Error{place + " stands twice"};
        }
        facts.drives.push_back(std::move(*fact));
    }
    for (const json& object : *ports) {
        auto fact = port_fact(object);
        const std::string place = "ports[" + std::to_string(facts.ports.size()) + "]";
        if (!fact) return senseless(place);
        for (const PortFact& other : facts.ports) {
            if (core::same_host_port(other.port, fact->port))
                return core::Error{place + " stands twice"};
        }
        facts.ports.push_back(std::move(*fact));
    }
    return facts;
}

core::Result<HostFacts> load_host_facts(const std::string& state_dir) {
    const std::string path = state_dir + "/host-facts.json";
    const auto text = snmp_mib::read_if_there(path, facts_bytes_max);
    if (!text) return text.error();
    if (text->empty()) return HostFacts{};
    auto facts = host_facts_from_text(*text);
    if (!facts) {
        return core::Error{path + ": " + facts.error().message +
                           "; put a copy back, or move it away and say again by lractl what was "
                           "said by hand"};
    }
    return facts;
}

core::Outcome save_host_facts(const std::string& state_dir, const HostFacts& facts) {
    return snmp_mib::write_durably(state_dir + "/host-facts.json", host_facts_text(facts));
}

}  // namespace agent::dsad
