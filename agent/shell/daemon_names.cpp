#include "agent/shell/daemon_names.hpp"

#include <nlohmann/json.hpp>

#include "agent/shell/daemon_link.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

std::vector<std::string> names_known(ValueKind kind, const GlobalOptions& options,
                                     Daemon preferred) {
    const bool agents = kind == ValueKind::agent_name;
    const Command* list = find_command(agents ? "agent" : "drive", "list");
    const Destination destination = destination_of({list, {}, options}, preferred);
    const auto answer =
        ask(destination.socket, method_of(*list), nlohmann::json::object(), options.timeout);
    std::vector<std::string> found;
    if (const auto* result = std::get_if<nlohmann::json>(&answer)) {
        for (const nlohmann::json* element : elements(*result)) {
            const std::string name = text_at(*element, {agents ? "name" : "serial"});
            if (!name.empty() && name.find(' ') == std::string::npos) found.push_back(name);
        }
    }
    return found;
}

std::vector<std::string> names_at_once(ValueKind kind, GlobalOptions options, Daemon preferred) {
    options.timeout = {500};
    return names_known(kind, options, preferred);
}

}  // namespace agent::shell
