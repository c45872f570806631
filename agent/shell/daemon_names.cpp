#include "agent/shell/daemon_names.hpp"

#include <nlohmann/json.hpp>

#include "agent/shell/command_table.hpp"
#include "agent/shell/daemon_link.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

const Command* list_of_names(ValueKind kind) {
    return find_command(kind == ValueKind::agent_name ? "agent" : "drive", "list");
}

core::Result<std::vector<std::string>> names_known(ValueKind kind, const GlobalOptions& options,
                                                   Daemon preferred) {
    const Command* list = list_of_names(kind);
    const Destination destination = destination_of({list, {}, options}, preferred);
    const auto answer =
        ask(destination.socket, method_of(*list), nlohmann::json::object(), options.timeout);
    if (const auto* error = std::get_if<runtime::ControlError>(&answer))
        return core::Error{error->message};
    std::vector<std::string> found;
    for (const nlohmann::json* element : elements(std::get<nlohmann::json>(answer))) {
        std::string name = text_at(*element, {kind == ValueKind::agent_name ? "name" : "serial"});
        if (!name.empty()) found.push_back(std::move(name));
    }
    return found;
}

std::vector<std::string> names_at_once(ValueKind kind, GlobalOptions options, Daemon preferred) {
    options.timeout = {500};
    auto known = names_known(kind, options, preferred);
    if (!known) return {};
    auto names = std::move(known).value();
    std::erase_if(names, [](const auto& name) { return name.find(' ') != std::string::npos; });
    return names;
}

}  // namespace agent::shell
