#include "agent/dsad/host_methods.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/dsad/host_discovery.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::dsad {

using nlohmann::json;
using runtime::Caller;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;

namespace {

constexpr std::size_t serial_size_max = 64;  // as in dsad.json
constexpr std::size_t name_size_max = 255;

json source_or_null(const std::optional<FactSource>& source) {
    return source ? json(to_text(*source)) : json(nullptr);
}

json actor_or_null(const std::string& actor) {
    return actor.empty() ? json(nullptr) : json(actor);
}

json ports_json(const HostKnowledge& known) {
    const auto& found = known.devices().ports;
    json ports = json::array();
    for (const KnownPort& one : known.ports()) {
        const auto place = std::find_if(found.begin(), found.end(), [&](const auto& port) {
            return core::same_host_port(port.port, one.port);
        });
        ports.push_back({{"port", core::to_text(one.port)},
                         {"own", one.own},
                         {"source", to_text(one.source)},
                         {"since", runtime::to_text(one.since)},
                         {"by", actor_or_null(one.actor)},
                         {"found_at", place == found.end() ? json(nullptr) : json(place->where)}});
    }
    return ports;
}

void add_what_linux_sees(json& drive, const host::FoundTapeDrive* found) {
    drive["vendor"] = found == nullptr ? json(nullptr) : json(found->vendor);
    drive["product"] = found == nullptr ? json(nullptr) : json(found->product);
    drive["tape_nodes"] = found == nullptr ? json::array() : json(found->tape_nodes);
    drive["generic_nodes"] = found == nullptr ? json::array() : json(found->generic_nodes);
}

json host_drives_json(const HostKnowledge& known) {
    const auto& found = known.devices().drives;
    const auto place_of = [&](const core::DriveSerial& serial) {
        const auto place = std::find_if(found.begin(), found.end(),
                                        [&](const auto& one) { return one.serial == serial; });
        return place == found.end() ? nullptr : &*place;
    };
    json drives = json::array();
    const auto known_drives = known.drives();
    for (const KnownDrive& one : known_drives) {
        json drive{{"serial", one.serial.text},
                   {"used", true},
                   {"source", to_text(one.source)},
                   {"since", runtime::to_text(one.since)},
                   {"by", actor_or_null(one.actor)},
                   {"application_name", one.application_name},
                   {"name_from", source_or_null(one.name_source)},
                   {"device", one.device.empty() ? json(nullptr) : json(one.device)},
                   {"device_from", source_or_null(one.device_source)}};
        add_what_linux_sees(drive, place_of(one.serial));
        drives.push_back(std::move(drive));
    }
    for (const auto& one : found) {
        const bool used =
            std::any_of(known_drives.begin(), known_drives.end(),
                        [&](const auto& drive) { return drive.serial == one.serial; });
        if (used) continue;
        json drive{{"serial", one.serial.text}, {"used", false},     {"source", "discovered"},
                   {"since", nullptr},          {"by", nullptr},     {"application_name", nullptr},
                   {"name_from", nullptr},      {"device", nullptr}, {"device_from", nullptr}};
        add_what_linux_sees(drive, &one);
        drives.push_back(std::move(drive));
    }
    return drives;
}

json host_json(const Daemon& daemon) {
    const HostKnowledge& known = daemon.host();
    json troubles = known.devices().troubles;
    for (const auto& one : known.contradictions()) {
        troubles.push_back("drive " + one.drive.text + ": the node " + one.device +
                           " given by hand belongs to drive " + one.belongs_to.text +
                           " now; it is not used");
    }
    for (const auto& one : known.unused())
        troubles.push_back("drive " + one.drive.text + " is not used: " + one.why);
    return {{"ports", ports_json(known)},
            {"drives", host_drives_json(known)},
            {"troubles", std::move(troubles)},
            {"discovered",
             {{"ports", daemon.configuration().discover_ports},
              {"drives", daemon.configuration().discover_drives}}}};
}

// ---- a person's word ----------------------------------------------------------------------------

bool is_printable(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte != 0x7f;
    });
}

// Empty when it is not given.
core::Result<std::string> optional_text(const json& params, const std::string& name) {
    const auto found = params.find(name);
    if (found == params.end() || found->is_null()) return std::string();
    if (!found->is_string()) return core::Error{name + ": must be a text"};
    auto text = found->get<std::string>();
    if (text.empty()) return core::Error{name + ": must not be empty"};
    if (text.size() > name_size_max || !is_printable(text)) {
        return core::Error{name + ": must be " + std::to_string(name_size_max) +
                           " bytes at most, without control characters"};
    }
    return text;
}

core::Result<DriveFact> drive_fact(const json& params, const Caller& caller) {
    const auto serial = runtime::text_parameter(params, "serial");
    if (!serial) return serial.error();
    const bool ascii =
        std::all_of(serial->begin(), serial->end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (!ascii || serial->size() > serial_size_max || serial->front() == ' ' ||
        serial->back() == ' ') {
        return core::Error{
            "serial: is not a unit serial number: 64 printable ASCII characters at most, without "
            "blanks at its ends"};
    }
    const auto name = optional_text(params, "name");
    if (!name) return name.error();
    const auto device = optional_text(params, "device");
    if (!device) return device.error();
    if (!device->empty() && device->rfind("/dev/", 0) != 0)
        return core::Error{"device: must be a device node, beginning with /dev/"};
    return DriveFact{
        {*serial}, false, *name, *device, runtime::to_text(caller), runtime::clock_now().wall};
}

// Links of udev (/dev/tape/by-id/...) lead to the kernel's own names.
std::string behind_links(const std::string& device) {
    std::error_code error;
    const auto path = std::filesystem::canonical(device, error);
    return error ? device : path.string();
}

std::string in_words(const DriveFact& fact, const std::string& what) {
    std::string line = "drive " + fact.serial.text + " " + what;
    if (!fact.application_name.empty()) line += ", \"" + fact.application_name + "\"";
    if (!fact.device.empty()) line += ", at " + fact.device;
    return line;
}

const json* json_of_drive(const json& host, const std::string& serial) {
    for (const json& drive : host["drives"]) {
        if (drive["serial"] == serial) return &drive;
    }
    return nullptr;
}

ControlAnswer changed(Daemon& daemon, Daemon::ChangeByHand change) {
    const std::string subject = change.subject;
    const bool about_a_drive = change.action.rfind("drive.", 0) == 0;
    const auto done = daemon.change_host(std::move(change));
    if (!done) return ControlError{ControlErrorCode::failed, done.error().message};
    const json host = host_json(daemon);
    if (!about_a_drive) return host["ports"];
    const json* drive = json_of_drive(host, subject);
    if (drive == nullptr) return json{{"serial", subject}, {"used", false}};
    return *drive;
}

ControlError nobody_brings_back(const std::string& serial) {
    return {ControlErrorCode::failed,
            "drive " + serial +
                " was taken offline in the application by dsad, and nobody would "
                "bring it back; `application online " +
                serial + "` first"};
}

// What dsad took offline is brought back under the name that it was taken offline by, or by nobody.
std::optional<ControlError> kept_by_the_ledger(const Daemon& daemon, const std::string& serial) {
    for (const auto& view : daemon.drives()) {
        if (view.drive.text != serial || !view.ledger) continue;
        return nobody_brings_back(serial);
    }
    return std::nullopt;
}

enum class DriveVerb : std::uint8_t { add, map };

ControlAnswer say_drive(Daemon& daemon, const json& params, const Caller& caller, DriveVerb verb) {
    auto fact = drive_fact(params, caller);
    if (!fact) return ControlError{ControlErrorCode::invalid_params, fact.error().message};
    const bool adding = verb == DriveVerb::add;
    if (!adding && fact->application_name.empty() && fact->device.empty())
        return ControlError{ControlErrorCode::invalid_params, "name, device: give one of them"};
    if (!adding && !fact->application_name.empty()) {
        if (auto kept = kept_by_the_ledger(daemon, fact->serial.text)) return *std::move(kept);
    }
    // What is said is held against the host as it is now.
    HostKnowledge known = daemon.host();
    known.see(glance_at_this_host(known.devices()), runtime::clock_now());
    const std::string node = behind_links(fact->device);
    const DriveFact& said = *fact;
    auto next = adding ? known.with_drive(said, node) : known.with_mapping(said, node);
    if (!next) return ControlError{ControlErrorCode::failed, next.error().message};
    return changed(daemon, {std::move(next).value(), said.actor, adding ? "drive.add" : "drive.map",
                            said.serial.text, in_words(said, adding ? "added" : "mapped")});
}

ControlAnswer forget_drive(Daemon& daemon, const json& params, const Caller& caller) {
    const auto serial = runtime::text_parameter(params, "serial");
    if (!serial) return ControlError{ControlErrorCode::invalid_params, serial.error().message};
    if (auto kept = kept_by_the_ledger(daemon, *serial)) return *std::move(kept);
    auto next = daemon.host().without_drive({*serial});
    if (!next) return ControlError{ControlErrorCode::failed, next.error().message};
    return changed(daemon, {std::move(next).value(), runtime::to_text(caller), "drive.forget",
                            *serial, "drive " + *serial + " forgotten"});
}

enum class PortVerb : std::uint8_t { add, remove };

ControlAnswer say_port(Daemon& daemon, const json& params, const Caller& caller, PortVerb verb) {
    const auto text = runtime::text_parameter(params, "port");
    if (!text) return ControlError{ControlErrorCode::invalid_params, text.error().message};
    const auto port = core::initiator_port_from_text(*text);
    if (!port) {
        return ControlError{ControlErrorCode::invalid_params,
                            "port: \"" + *text +
                                "\" is no host port; for example fc:2100000e1e09a1b0, "
                                "iscsi:iqn.2001-04.com.example:host1 or sas:500605b000000001"};
    }
    const bool adding = verb == PortVerb::add;
    const PortFact fact{*port, adding, runtime::to_text(caller), runtime::clock_now().wall};
    auto next = adding ? daemon.host().with_port(fact) : daemon.host().without_port(fact);
    if (!next) return ControlError{ControlErrorCode::failed, next.error().message};
    const std::string name = core::to_text(*port);
    return changed(daemon,
                   {std::move(next).value(), fact.actor, adding ? "port.add" : "port.remove", name,
                    "port " + name + (adding ? " added" : " removed")});
}

}  // namespace

void serve_host(runtime::ControlServer& server, Daemon& daemon) {
    server.on("host.show", [&daemon](const json&, const Caller&) { return host_json(daemon); });
    server.on("port.list", [&daemon](const json&, const Caller&) -> ControlAnswer {
        return ports_json(daemon.host());
    });
    server.on("drive.add", [&daemon](const json& params, const Caller& caller) {
        return say_drive(daemon, params, caller, DriveVerb::add);
    });
    server.on("drive.map", [&daemon](const json& params, const Caller& caller) {
        return say_drive(daemon, params, caller, DriveVerb::map);
    });
    server.on("drive.forget", [&daemon](const json& params, const Caller& caller) {
        return forget_drive(daemon, params, caller);
    });
    server.on("port.add", [&daemon](const json& params, const Caller& caller) {
        return say_port(daemon, params, caller, PortVerb::add);
    });
    server.on("port.remove", [&daemon](const json& params, const Caller& caller) {
        return say_port(daemon, params, caller, PortVerb::remove);
    });
}

}  // namespace agent::dsad
