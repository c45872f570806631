#include "agent/runtime/lrad_configuration.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "agent/core/sharing_resolver.hpp"
#include "agent/runtime/shared_shapes.hpp"
#include "agent/runtime/url_credentials.hpp"

namespace agent::runtime {

using nlohmann::json;

namespace {

core::Duration ms(const json& value) {
    return {value.get<std::int64_t>()};
}

OfflineActuator actuator_from(const std::string& text) {
    if (text == "fence") return OfflineActuator::fence;
    if (text == "command") return OfflineActuator::command;
    if (text == "alarm") return OfflineActuator::alarm;
    return OfflineActuator::drive;
}

core::SharingConfiguration::UnknownHolder unknown_holder_from(const std::string& text) {
    using enum core::SharingConfiguration::UnknownHolder;
    if (text == "notify") return notify;
    return text == "force_offline" ? force_offline : alarm;
}

// Reads the values that fit the schema, and judges what a schema can not say.
class Reading {
  public:
    explicit Reading(const Configuration& configuration)
        : source_(configuration), values_(configuration.values()) {}

    LradConfiguration read() {
        LradConfiguration result;
        result.state_dir = path_at(values_["controller"]["state_dir"]);
        result.control_socket = path_at(values_["control"]["socket"]);
        result.event_log_max = values_["controller"]["event_log_max"].get<std::size_t>();
        result.snmp = snmp_configuration(source_, errors);
        result.metrics = metrics_configuration(values_["metrics"], lrad_metrics_port);
        if (values_.contains("events")) read_events_listen(result);
        read_rules(result.sharing);
        read_domains(result.sharing);
        read_keys(result);
        read_drives(result);
        read_discovery(result);
        read_agents(result);
        result.mounts = mounts_configuration(source_, result, errors);
        result.pair = node_pair_configuration(source_, result, errors);
        return result;
    }

    ConfigurationErrors errors;

  private:
    [[nodiscard]] std::string path_at(const json& value) const {
        return source_.file_beside(value.get<std::string>());
    }

    void wrong(const std::string& path, const std::string& text) {
        errors.push_back(source_.error_at(path, text));
    }

    void unique(std::set<std::string>& seen, const std::string& value, const std::string& path) {
        if (seen.insert(value).second) return;
        wrong(path, "\"" + value + "\" stands twice; each must be different");
    }

    void read_events_listen(LradConfiguration& result) {
        AddressText address =
            *address_from_text(values_["events"]["listen"].get_ref<const std::string&>());
        address.path = source_.file_beside(address.path);
        result.events_tls = channel_tls_configuration(source_, "events");
        const bool unix_socket = address.kind == AddressText::Kind::unix_socket;
        if (unix_socket && result.events_tls)
            wrong("events.tls", "has no meaning at a Unix socket, whose peers the kernel names");
        if (!unix_socket && !result.events_tls && !is_loopback(address)) {
            wrong(
                "events.listen",
                "without events.tls only this machine's drives may connect: tcp:127.0.0.1:PORT or "
                "unix:PATH");
        }
        result.events_listen = std::move(address);
    }

    void read_rules(core::SharingConfiguration& sharing) const {
        using OnMissing = core::SharingConfiguration::OnMissing;
        const json& handshake = values_["handshake"];
        const json& reservation = values_["reservation"];
        sharing.controller = values_["controller"]["id"].get<std::string>();
        sharing.handshake_timeout = ms(handshake["timeout_ms"]);
        sharing.handshake_retries = handshake["retries"].get<std::uint32_t>();
        sharing.on_missing =
            handshake["on_missing"] == "alarm" ? OnMissing::alarm : OnMissing::force_offline;
        sharing.debounce = ms(reservation["debounce_ms"]);
        sharing.stale_after = ms(reservation["stale_after_ms"]);
        sharing.mixed_within = ms(reservation["mixed_within_ms"]);
        sharing.release_hold_down = ms(reservation["release_hold_down_ms"]);
        sharing.unknown_holder =
            unknown_holder_from(reservation["unknown_holder"].get<std::string>());
        sharing.holder_inquiry = ms(reservation["holder_inquiry_ms"]);
        sharing.holder_inquiry_repeat = ms(reservation["holder_inquiry_repeat_ms"]);
    }

    void read_domains(core::SharingConfiguration& sharing) {
        std::set<std::string> names;
        const json& domains = values_["domains"];
        for (std::size_t i = 0; i < domains.size(); ++i) {
            const std::string path = "domains[" + std::to_string(i) + "]";
            core::SharingConfiguration::Domain domain;
            domain.name = domains[i]["name"].get<std::string>();
            unique(names, domain.name, path + ".name");
            const json& ports = domains[i]["ports"];
            for (std::size_t p = 0; p < ports.size(); ++p) {
                const auto port =
                    core::initiator_port_from_text(ports[p].get_ref<const std::string&>());
                claim_port(sharing, domain, *port, path + ".ports[" + std::to_string(p) + "]");
                domain.ports.push_back(*port);
            }
            sharing.domains.push_back(std::move(domain));
        }
    }

    // Of whom a key is the name must be clear: one owner, whose ports are of one domain.
    void read_keys(LradConfiguration& result) {
        std::set<std::uint64_t> seen;
        const json& keys = values_["reservation"]["keys"];
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const std::string path = "reservation.keys[" + std::to_string(i) + "]";
            ReservationKeyOwner owner;
            owner.key =
                *core::reservation_key_from_text(keys[i]["key"].get_ref<const std::string&>());
            if (!seen.insert(owner.key).second) {
                wrong(path + ".key", "stands twice; a key belongs to one host");
            }
            for (const json& port : keys[i]["ports"]) {
                owner.ports.push_back(
                    *core::initiator_port_from_text(port.get_ref<const std::string&>()));
            }
            const auto domain = core::domain_of(owner.ports.front(), result.sharing.domains);
            for (const auto& port : owner.ports) {
                if (core::domain_of(port, result.sharing.domains) == domain) continue;
                wrong(path + ".ports", "are of different domains; a key belongs to one host");
                break;
            }
            result.keys.push_back(std::move(owner));
        }
    }

    // Every port belongs to one domain at most.
    void claim_port(const core::SharingConfiguration& sharing,
                    const core::SharingConfiguration::Domain& own, const core::InitiatorPort& port,
                    const std::string& path) {
        const auto held_by = [&](const core::SharingConfiguration::Domain& domain) {
            for (const core::InitiatorPort& known : domain.ports) {
                if (core::same_host_port(known, port)) return true;
            }
            return false;
        };
        if (held_by(own)) {
            wrong(path,
                  "stands twice in this domain; ISID and address do not make it another port");
        }
        for (const auto& domain : sharing.domains) {
            if (!held_by(domain)) continue;
            wrong(path, "belongs to domain \"" + domain.name +
                            "\" already; a port belongs to one domain at most");
        }
    }

    void read_drives(LradConfiguration& result) {
        std::set<std::string> serials;
        std::set<std::uint32_t> addresses;
        const json& drives = values_["drives"];
        for (std::size_t i = 0; i < drives.size(); ++i) {
            const std::string path = "drives[" + std::to_string(i) + "]";
            LradDrive drive = read_drive(drives[i], path, result);
            unique(serials, drive.serial.text, path + ".serial");
            if (drive.element_address && !addresses.insert(*drive.element_address).second) {
                wrong(path + ".element_address", "another drive has this element address already");
            }
            result.sharing.drives.push_back(
                {drive.serial, drive.shared, drive.actuator == OfflineActuator::fence});
            result.drives.push_back(std::move(drive));
        }
    }

    // 0 means: worked out from poll_ms (drive_iface/device/poll_pace.hpp).
    void check_pace(const LradDrive& drive, const std::string& path) {
        const std::string poll_ms = std::to_string(drive.poll.ms);
        const auto fast = drive.poll_fast.ms;
        if (fast != 0 && (fast < 50 || fast > drive.poll.ms)) {
            wrong(path + ".poll_fast_ms",
                  "must be 0, or 50 to poll_ms, which is " + poll_ms + " here");
        }
        if (drive.poll_busy.ms != 0 && drive.poll_busy < drive.poll) {
            wrong(path + ".poll_busy_ms",
                  "must be 0, or at least poll_ms, which is " + poll_ms + " here");
        }
    }

    LradDrive read_drive(const json& value, const std::string& path,
                         const LradConfiguration& result) {
        LradDrive drive;
        drive.serial.text = value["serial"].get<std::string>();
        drive.shared = value["shared"].get<bool>();
        drive.poll = ms(value["poll_ms"]);
        drive.poll_fast = ms(value["poll_fast_ms"]);
        drive.poll_busy = ms(value["poll_busy_ms"]);
        check_pace(drive, path);
        drive.events = value["events"].get<bool>();
        drive.conflict_list = value["conflict_list"].get<bool>();
        drive.keys = result.keys;
        if (value.contains("element_address")) {
            drive.element_address = value["element_address"].get<std::uint32_t>();
        }
        if (value.contains("interface")) {
            drive.interface = read_interface(value["interface"], path + ".interface", result);
        }
        const bool events_arrive = drive.events && result.events_listen.has_value();
        if (!drive.interface && !events_arrive) {
            wrong(path,
                  "nothing would ever be known of this drive; give it an interface, or "
                  "events.listen and \"events\": true");
        }
        drive.actuator = actuator_from(value["offline"]["actuator"].get<std::string>());
        drive.actuator_argv = value["offline"]["argv"].get<std::vector<std::string>>();
        check_actuator(drive, path + ".offline");
        if (drive.actuator == OfflineActuator::drive && !result.events_listen) {
            wrong(path + ".offline.actuator",
                  "drive is told to go offline on the drive event channel, and there is none; set "
                  "events.listen, or use command or alarm");
        }
        return drive;
    }

    void check_actuator(const LradDrive& drive, const std::string& path) {
        const bool command = drive.actuator == OfflineActuator::command;
        if (command && drive.actuator_argv.empty()) {
            wrong(path + ".argv", "is missing; actuator command needs a program to run");
        }
        if (command && !drive.actuator_argv.empty() && drive.actuator_argv.front().front() != '/') {
            wrong(path + ".argv[0]", "must be the program's full path, beginning with '/'");
        }
        if (!command && !drive.actuator_argv.empty()) {
            wrong(path + ".argv", "only actuator command runs a program; remove argv");
        }
        if (drive.actuator == OfflineActuator::fence && !drive.interface) {
            wrong(path + ".actuator",
                  "fence is a reservation, and without an interface nothing can be sent to the "
                  "drive; give it one, or use drive, command or alarm");
        }
    }

    DriveInterface read_interface(const json& value, const std::string& path,
                                  const LradConfiguration& result) {
        DriveInterface interface;
        const bool iscsi = value["type"] == "iscsi";
        interface.type = iscsi ? DriveInterface::Type::iscsi : DriveInterface::Type::sg;
        interface.device = value.value("device", "");
        interface.url = value.value("url", "");
        interface.initiator_name = value.value("initiator_name", "");
        if (iscsi && interface.url.empty()) wrong(path + ".url", "is missing; type iscsi needs it");
        if (iscsi && !interface.device.empty()) {
            wrong(path + ".device", "has no meaning with type iscsi; remove it");
        }
        if (!iscsi && !(interface.url.empty() && interface.initiator_name.empty())) {
            wrong(path, "url and initiator_name have no meaning with type sg; remove them");
        }
        if (iscsi && interface.initiator_name.empty()) {
            interface.initiator_name = initiator_name_of(result.sharing.controller);
        }
        if (value.contains("chap")) {
            if (!iscsi) wrong(path + ".chap", "has no meaning with type sg; remove it");
            if (interface.url != without_credentials(interface.url))
                wrong(path + ".url", "has a name and a secret too; leave them to chap");
            interface.chap = iscsi_chap_from(source_, value["chap"], path + ".chap", errors);
        }
        return interface;
    }

    void read_discovery(LradConfiguration& result) {
        std::set<std::string> seen;
        const json& portals = values_["discovery"]["portals"];
        for (std::size_t i = 0; i < portals.size(); ++i) {
            const std::string path = "discovery.portals[" + std::to_string(i) + "]";
            DiscoveryPortal portal{portals[i]["portal"].get<std::string>(), {}};
            const auto address = iscsi_portal_from_text(portal.portal);
            if (address) unique(seen, to_text(*address), path + ".portal");
            if (portals[i].contains("chap"))
                portal.chap = iscsi_chap_from(source_, portals[i]["chap"], path + ".chap", errors);
            result.discovery_portals.push_back(std::move(portal));
        }
    }

    // iSCSI names are lower case and know no '_' (RFC 7143 4.2.7).
    static std::string initiator_name_of(const std::string& controller) {
        std::string name = "iqn.2026-01.invalid.lra:" + controller;
        for (char& c : name) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
            if (c == '_') c = '-';
        }
        return name;
    }

    void read_agents(LradConfiguration& result) {
        std::set<std::string> names;
        std::set<std::string> users;
        std::set<std::string> domains;
        for (const auto& domain : result.sharing.domains)
            domains.insert(domain.name);
        const json& agents = values_["agents"];
        for (std::size_t i = 0; i < agents.size(); ++i) {
            const std::string path = "agents[" + std::to_string(i) + "]";
            LradAgent agent;
            agent.name = agents[i]["name"].get<std::string>();
            agent.domain = agents[i]["domain"].get<std::string>();
            unique(names, agent.name, path + ".name");
            if (agents[i].contains("ssh")) {
                agent.agentless =
                    read_agentless(source_, i, result.sharing.controller, result.state_dir, errors);
            } else {
                read_contact(agents[i], path, result, agent);
                unique(users, agent.user, path + ".user");
            }
            if (!agent.domain.empty() && !domains.contains(agent.domain)) {
                wrong(path + ".domain", "\"" + agent.domain +
                                            "\" is not one of domains[].name; add it there with "
                                            "its ports");
            }
            result.sharing.agents.push_back({agent.name, agent.domain});
            result.agents.push_back(std::move(agent));
        }
    }

    // How an agent on a host of its own is spoken to.
    void read_contact(const json& value, const std::string& path, const LradConfiguration& result,
                      LradAgent& agent) {
        for (const char* key : {"address", "user"}) {
            if (value.contains(key)) continue;
            wrong(path + "." + key,
                  "is missing; an agent has address and user, or ssh when its host has none");
            return;
        }
        for (const char* key : {"drives", "ports", "application"}) {
            if (!value.contains(key)) continue;
            wrong(path + "." + key, "stands in that host's dsad.json; here only together with ssh");
        }
        agent.user = value["user"].get<std::string>();
        agent.address = *address_from_text(value["address"].get_ref<const std::string&>());
        check_snmp_user(source_, result.snmp, path + ".user", agent.user, errors);
        const auto& writers = result.snmp.mib_writers;
        if (std::find(writers.begin(), writers.end(), agent.user) != writers.end()) {
            wrong(path + ".user",
                  "is one of snmp.mib_writers: a backup host must not be able to clear drives; "
                  "give whoever writes the MIB a user of his own");
        }
        const auto& hints = result.snmp.hints;
        for (std::size_t i = 0; i < hints.size(); ++i) {
            if (hints[i].user != agent.user) continue;
            wrong("snmp.hints[" + std::to_string(i) + "].user",
                  "\"" + agent.user + "\" is the user of agent " + agent.name +
                      ": a library must not be able to confirm in a host's name, and its informs "
                      "would be taken for the agent's; give the library a user of its own");
        }
        if (agent.address.port == 0) {
            wrong(path + ".address", "port 0 can not be sent to; name the agent's port");
        }
    }

    const Configuration& source_;
    const json& values_;
};

}  // namespace

Configured<LradConfiguration> lrad_configuration(const Configuration& configuration) {
    Reading reading(configuration);
    Configured<LradConfiguration> result;
    LradConfiguration value = reading.read();
    result.errors = std::move(reading.errors);
    if (result.errors.empty()) result.value = std::move(value);
    return result;
}

Configured<LradConfiguration> read_lrad_configuration(const std::string& file) {
    Configured<Configuration> configuration =
        read_configuration_file(lrad_configuration_schema(), file);
    if (!configuration.ok()) return {std::nullopt, std::move(configuration.errors)};
    return lrad_configuration(*configuration.value);
}

}  // namespace agent::runtime
