#include "catalogue.hpp"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace sample_backup_application {

namespace {

constexpr std::array<std::pair<Misbehaviour, const char*>, 4> misbehaviour_names{
    {{Misbehaviour::none, "none"},
     {Misbehaviour::fail, "fail-with"},
     {Misbehaviour::lie, "lie"},
     {Misbehaviour::hang, "hang"}}};

}  // namespace

std::string state_of(const Drive& drive) {
    if (drive.wanted_online) return "online";
    if (drive.jobs == 0) return "offline";
    return "draining (" + std::to_string(drive.jobs) + (drive.jobs == 1 ? " job)" : " jobs)");
}

void remember(Catalogue& catalogue, const std::string& line) {
    catalogue.history.push_back(line);
    if (catalogue.history.size() > history_max) catalogue.history.erase(catalogue.history.begin());
}

std::string to_json_text(const Catalogue& catalogue) {
    nlohmann::json json = {{"drives", nlohmann::json::object()},
                           {"faults", nlohmann::json::object()},
                           {"history", catalogue.history}};
    for (const auto& [name, drive] : catalogue.drives) {
        json["drives"][name] = {{"online", drive.wanted_online}, {"jobs", drive.jobs}};
    }
    for (const auto& [verb, fault] : catalogue.faults) {
        for (const auto& [kind, word] : misbehaviour_names) {
            if (kind == fault.kind)
                json["faults"][verb] = {{"kind", word}, {"exit_status", fault.exit_status}};
        }
    }
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<Catalogue> catalogue_from_json_text(const std::string& text) {
    try {
        const auto json = nlohmann::json::parse(text);
        Catalogue catalogue;
        for (const auto& [name, drive] : json.at("drives").items()) {
            catalogue.drives[name] = {drive.at("online").get<bool>(), drive.at("jobs").get<int>()};
        }
        for (const auto& [verb, fault] : json.at("faults").items()) {
            for (const auto& [kind, word] : misbehaviour_names) {
                if (fault.at("kind") == word)
                    catalogue.faults[verb] = {kind, fault.at("exit_status").get<int>()};
            }
        }
        catalogue.history = json.at("history").get<std::vector<std::string>>();
        return catalogue;
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

}  // namespace sample_backup_application
