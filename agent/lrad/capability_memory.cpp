#include "agent/lrad/capability_memory.hpp"

#include <nlohmann/json.hpp>

#include "agent/runtime/log.hpp"

namespace agent::lrad {

using drive_iface::Ability;
using drive_iface::DriveCapabilities;
using nlohmann::json;

namespace {

struct NamedAbility {
    const char* name;
    Ability DriveCapabilities::*ability;
};
constexpr NamedAbility named_abilities[] = {
    {"persistent_reserve_in", &DriveCapabilities::persistent_reserve_in},
    {"full_status", &DriveCapabilities::full_status},
    {"report_capabilities", &DriveCapabilities::report_capabilities},
    {"crh", &DriveCapabilities::compatible_reservation_handling},
    {"ptpl_capable", &DriveCapabilities::persist_through_power_loss},
    {"ptpl_active", &DriveCapabilities::persist_active},
    {"all_target_ports", &DriveCapabilities::all_target_ports},
    {"specify_initiator_ports", &DriveCapabilities::specify_initiator_ports},
    {"dt_device_status", &DriveCapabilities::dt_device_status},
    {"activity", &DriveCapabilities::very_high_frequency},
    {"potential_conflicts", &DriveCapabilities::potential_conflicts},
};

std::string note_name(const core::DriveSerial& drive) {
    return "capabilities:" + drive.text;
}

template <typename Number>
std::optional<std::vector<Number>> numbers(const json& list, std::uint64_t largest) {
    if (!list.is_array() || list.size() > 1'024) return std::nullopt;
    std::vector<Number> found;
    for (const json& item : list) {
        if (!item.is_number_unsigned() || item.get<std::uint64_t>() > largest) return std::nullopt;
        found.push_back(item.get<Number>());
    }
    return found;
}

}  // namespace

json capabilities_json(const DriveCapabilities& known) {
    json value{{"revision", known.revision}};
    for (const auto& [name, ability] : named_abilities)
        value[name] = drive_iface::to_text(known.*ability);
    value["pr_types"] = nullptr;
    if (known.types) {
        value["pr_types"] = json::array();
        for (const auto type : *known.types)
            value["pr_types"].push_back(static_cast<std::uint8_t>(type));
    }
    value["polling_delay_ms"] = known.polling_delay_ms ? json(*known.polling_delay_ms) : json();
    value["dt_parameters"] = known.dt_parameters;
    return value;
}

std::optional<DriveCapabilities> capabilities_from_json(const json& value) {
    if (!value.is_object()) return std::nullopt;
    DriveCapabilities known;
    const auto revision = value.find("revision");
    if (revision == value.end() || !revision->is_string()) return std::nullopt;
    known.revision = revision->get<std::string>();
    for (const auto& [name, ability] : named_abilities) {
        const auto text = value.find(name);
        if (text == value.end() || !text->is_string()) return std::nullopt;
        const auto told = drive_iface::ability_from_text(text->get_ref<const std::string&>());
        if (!told) return std::nullopt;
        known.*ability = *told;
    }
    if (const auto types = value.find("pr_types"); types != value.end() && !types->is_null()) {
        const auto codes = numbers<std::uint8_t>(*types, 15);
        if (!codes) return std::nullopt;
        known.types.emplace();
        for (const auto code : *codes) {
            const auto type = drive_iface::scsi::pr_type_from_code(code);
            if (!type) return std::nullopt;
            known.types->push_back(*type);
        }
    }
    if (const auto delay = value.find("polling_delay_ms");
        delay != value.end() && !delay->is_null()) {
        if (!delay->is_number_unsigned() || delay->get<std::uint64_t>() > 0xffff)
            return std::nullopt;
        known.polling_delay_ms = delay->get<std::uint16_t>();
    }
    const auto parameters = value.find("dt_parameters");
    if (parameters == value.end()) return std::nullopt;
    const auto codes = numbers<std::uint16_t>(*parameters, 0xffff);
    if (!codes) return std::nullopt;
    known.dt_parameters = *codes;
    return known;
}

std::optional<DriveCapabilities> recall_capabilities(const runtime::Store& store,
                                                     const core::DriveSerial& drive) {
    const auto note = store.recall(note_name(drive));
    if (!note || !*note) return std::nullopt;
    return capabilities_from_json(json::parse(**note, nullptr, false));
}

void remember_capabilities(runtime::Store& store, const core::DriveSerial& drive,
                           const DriveCapabilities& known) {
    const auto text = capabilities_json(known).dump(-1, ' ', false, json::error_handler_t::replace);
    if (const auto kept = store.remember_soon(note_name(drive), text); !kept) {
        runtime::log_warning(
            kept.error()
                .within("drive " + drive.text + ": what it can do is not remembered")
                .message);
    }
}

}  // namespace agent::lrad
