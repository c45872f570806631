// What lrad.json may say. Kept apart from its reading, so that the table below can be read like a
// page of the manual.

#include <utility>

#include "agent/core/reservation.hpp"
#include "agent/runtime/iscsi_chap.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "agent/runtime/shared_shapes.hpp"

namespace agent::runtime {

namespace {

ValueShape controller_shape() {
    return object_shape({
        default_key("id", name_shape(), "\"lra\"",
                    "Name of this controller in every notice; the drive sharing agents know it by "
                    "this name."),
        default_key("state_dir", text_shape(), "\"/var/lib/lra\"", "Folder of the durable state."),
        default_key("event_log_max", integer_shape(1'000, 10'000'000), "100000",
                    "Events kept in the event log; the oldest are dropped. So are programs' rows "
                    "of the audit trail that are as far back."),
    });
}

ValueShape interface_shape() {
    return object_shape({
        required_key("type", choice_shape({"sg", "iscsi"}),
                     "How the controller talks to the drive.", "\"iscsi\""),
        optional_key("device", text_shape(),
                     "With type sg: where to look first. The drive is found by its serial number, "
                     "with or without it.",
                     "\"/dev/sg3\""),
        optional_key("url", text_shape("iscsi://HOST[:PORT]/TARGET/LUN", wrong_with_iscsi_url),
                     "Where the drive is; required with type iscsi.",
                     "\"iscsi://192.0.2.20:3260/iqn.2026-01.example:drive-VT00000001/0\""),
        optional_key("initiator_name", text_shape("iSCSI name", wrong_with_iscsi_name, 223),
                     "iSCSI name this controller logs in with; with type iscsi. Without it one is "
                     "made from controller.id.",
                     "\"iqn.2026-01.example:lra\""),
        optional_key("chap", iscsi_chap_shape(),
                     "CHAP, where the target asks for it. The secrets are read at each login.",
                     "{\"user\": \"lra\", \"secret_file\": \"/etc/lra/keys/chap\"}"),
    });
}

ValueShape discovery_shape() {
    return object_shape({
        default_key(
            "portals",
            list_shape(
                object_shape({
                    required_key("portal", text_shape("HOST[:PORT]", wrong_with_iscsi_portal, 256),
                                 "HOST or HOST:PORT.", "\"192.0.2.20:3260\""),
                    optional_key("chap", iscsi_chap_shape(),
                                 "As drives[].interface.chap, for its targets.",
                                 "{\"user\": \"lra\", \"secret_file\": "
                                 "\"/etc/lra/keys/chap\"}"),
                }),
                0, 64),
            "[]", "iSCSI portals that lractl drive discover asks besides those of the drives."),
    });
}

ValueShape offline_shape() {
    return object_shape({
        default_key("actuator", choice_shape({"drive", "fence", "command", "alarm"}), "\"drive\"",
                    "How a drive is taken offline: by the drive itself (hosts get 04h/44h/00h), by "
                    "an exclusive persistent reservation of the controller (hosts get RESERVATION "
                    "CONFLICT; needs an interface), by a program, or not at all but with an "
                    "alarm. OFFLINE.md compares them."),
        default_key("argv", list_shape(text_shape(4'096), 0, 64), "[]",
                    "Program and arguments for actuator command; {serial} and {action} (offline, "
                    "online) are filled in. No shell is involved."),
    });
}

ValueShape drive_shape() {
    return object_shape({
        required_key("serial", text_shape("unit serial number", wrong_with_serial, 64),
                     "Unit serial number of the drive (VPD page 80h).", "\"VT00000001\""),
        default_key("shared", boolean_shape(), "true",
                    "Whether the drive sharing agents are told of this drive."),
        default_key("poll_ms", integer_shape(50, 3'600'000), "1000",
                    "How often the drive is asked for its reservation, in milliseconds."),
        default_key("poll_fast_ms", integer_shape(0, 60'000), "0",
                    "How often it is asked for a while after something has changed, or somebody "
                    "asked for a look; at least 50, at most poll_ms. 0: a quarter of poll_ms, at "
                    "most 1000."),
        default_key("poll_busy_ms", integer_shape(0, 3'600'000), "0",
                    "How often it is asked while it is reserved and moves tape; at least poll_ms. "
                    "0: four times poll_ms, at most 10000. A change may be seen so late then; "
                    "poll_ms here turns it off."),
        optional_key("element_address", integer_shape(0, 65'535),
                     "The drive's element address in the library.", "256"),
        optional_key("interface", interface_shape(),
                     "How to ask the drive; without it the drive is known by its events alone.",
                     "{\"type\": \"sg\"}"),
        default_key("events", boolean_shape(), "true",
                    "Whether the drive sends events over the drive event channel."),
        default_key("conflict_list", boolean_shape(), "true",
                    "Whether the drive may be asked for log page 11h when it is reserved and names "
                    "no holder: its list of potential conflicts points at one."),
        default_key("offline", offline_shape(), "{}", "How the drive is forced offline."),
    });
}

ValueShape agent_shape() {
    ValueShape shape = object_shape({
        required_key("name", name_shape(), "Name of the drive sharing agent.", "\"host1\""),
        optional_key("address", text_shape("udp:HOST:PORT", wrong_with_udp_address),
                     "Where the agent listens for notices.", "\"udp:192.0.2.31:1162\""),
        default_key("domain", text_shape_or_empty(), "\"\"",
                    "Application domain of the agent's host, one of domains[].name."),
        optional_key("user", text_shape(32),
                     "Security name that the agent speaks with and is spoken to with, one of "
                     "snmp.users; no two agents have the same.",
                     "\"host1\""),
    });
    for (auto& key : agentless_keys())
        shape.keys.push_back(std::move(key));
    return shape;
}

ValueShape domain_shape() {
    return object_shape({
        required_key("name", name_shape(), "Name of the application domain.", "\"bareos\""),
        default_key("ports", list_shape(port_shape(), 0, 4'096), "[]",
                    "All host ports that belong to this backup application, on all its hosts."),
    });
}

ValueShape handshake_shape() {
    return object_shape({
        default_key("timeout_ms", integer_shape(100, 600'000), "10000",
                    "From a notice to its first retry, and from each retry to the next."),
        default_key("retries", integer_shape(0, 10), "1",
                    "How often a missing confirmation is asked for again before it counts as "
                    "missing."),
        default_key("on_missing", choice_shape({"force_offline", "alarm"}), "\"force_offline\"",
                    "What happens to a drive when a confirmation is missing."),
    });
}

std::optional<std::string> wrong_with_reservation_key(std::string_view text) {
    if (core::reservation_key_from_text(text)) return std::nullopt;
    return "is no reservation key: 16 hexadecimal digits, not all of them 0";
}

ValueShape reservation_key_shape() {
    return object_shape({
        required_key("key", text_shape("16 hexadecimal digits", wrong_with_reservation_key),
                     "The reservation key, as `sg_persist -k` shows it.", "\"00000000abcdef01\""),
        required_key("ports", list_shape(port_shape(), 1, 64),
                     "Ports of the host that registers with it, of one domain.",
                     "[\"fc:2100000e1e09a1b0\"]"),
    });
}

ValueShape reservation_shape() {
    return object_shape({
        default_key("debounce_ms", integer_shape(0, 60'000), "0",
                    "How long a reservation that only polling sees must last to count."),
        default_key("release_hold_down_ms", integer_shape(0, 600'000), "0",
                    "How long a release must last to count."),
        default_key("stale_after_ms", integer_shape(0, 86'400'000), "300000",
                    "How long a holder of whom nobody knows, registrations left behind and the "
                    "like must last to be an alarm (LRA1020 to LRA1025); 0: never."),
        default_key("mixed_within_ms", integer_shape(0, 604'800'000), "3600000",
                    "RESERVE and persistent reservations on one drive within this time are an "
                    "alarm (LRA1024); 0: never."),
        default_key("unknown_holder", choice_shape({"alarm", "notify", "force_offline"}),
                    "\"alarm\"", "What happens when a drive is reserved and nobody knows by whom."),
        default_key("holder_inquiry_ms", integer_shape(0, 60'000), "2000",
                    "How long the agents' answers to \"is it yours?\" are waited for before "
                    "unknown_holder is carried out; 0: they are not asked."),
        default_key("holder_inquiry_repeat_ms", integer_shape(1'000, 3'600'000), "30000",
                    "How often they are asked again while nobody, or only a host's word, names "
                    "the holder."),
        default_key("keys", list_shape(reservation_key_shape(), 0, 4'096), "[]",
                    "Whose persistent reservation keys are, for drives that do not name the "
                    "holder's port."),
    });
}

}  // namespace

const ConfigurationSchema& lrad_configuration_schema() {
    static const ConfigurationSchema schema{
        "lrad", "Configuration of the library reservation agent.",
        object_shape({
            default_key("controller", controller_shape(), "{}", "This controller."),
            default_key("control",
                        object_shape({default_key("socket", text_shape(), "\"/run/lra/lrad.sock\"",
                                                  "Control socket, for lractl.")}),
                        "{}", "Where lractl connects to."),
            required_key("drives", list_shape(drive_shape(), 1, 1'024), "The library's drives.",
                         "[{\"serial\": \"VT00000001\"}]"),
            optional_key("events",
                         object_shape({required_key("listen",
                                                    text_shape("unix:PATH or tcp:HOST:PORT",
                                                               wrong_with_stream_address),
                                                    "Where drives connect to, to send their "
                                                    "events. Other machines' drives need "
                                                    "TLS.",
                                                    "\"unix:/run/lra/events.sock\""),
                                       channel_tls_key()}),
                         "The drive event channel; without it there is none.",
                         "{\"listen\": \"unix:/run/lra/events.sock\"}"),
            default_key("agents", list_shape(agent_shape(), 0, 1'024), "[]",
                        "The drive sharing agents."),
            default_key("domains", list_shape(domain_shape(), 0, 1'024), "[]",
                        "Which host ports belong to which backup application."),
            default_key("handshake", handshake_shape(), "{}", "The wait for confirmations."),
            default_key("reservation", reservation_shape(), "{}", "When a reservation counts."),
            required_key("snmp", lrad_snmp_shape(), "Notifications and their security.",
                         "{\"listen\": \"udp:0.0.0.0:1162\", \"users\": []}"),
            default_key("discovery", discovery_shape(), "{}", "Where drives are looked for."),
            metrics_key(lrad_metrics_port),
            mounts_key(),
            node_pair_key(),
        })};
    return schema;
}

}  // namespace agent::runtime
