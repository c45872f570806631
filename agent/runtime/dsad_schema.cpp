// What dsad.json may say.

#include "agent/runtime/dsad_configuration.hpp"
#include "agent/runtime/shared_shapes.hpp"

namespace agent::runtime {

namespace {

ValueShape own_agent_shape() {
    return object_shape({
        required_key("name", name_shape(),
                     "Name of this drive sharing agent, as in agents[].name of lrad.json.",
                     "\"host1\""),
        default_key("state_dir", text_shape(), "\"/var/lib/lra-dsa\"",
                    "Folder of the durable state."),
        default_key("domain", text_shape_or_empty(), "\"\"",
                    "Application domain of this host; empty: only its own ports are its own."),
        default_key("event_log_max", integer_shape(1'000, 10'000'000), "100000",
                    "Events kept in the event log; the oldest are dropped. So are programs' rows "
                    "of the audit trail that are as far back."),
        default_key("presence_interval_ms", integer_shape(1'000, 3'600'000), "60000",
                    "How often \"started\" is said again, for a controller that has forgotten."),
        default_key("stop_timeout_ms", integer_shape(0, 60'000), "5000",
                    "How long an orderly stop waits for the controllers' acknowledgement."),
        default_key("discovery_interval_ms", integer_shape(1'000, 3'600'000), "30000",
                    "How often the host is looked at again for what is to be discovered."),
    });
}

ValueShape known_controller_shape() {
    return object_shape({
        default_key("name", name_shape(), "\"lra\"", "controller.id of the controller."),
        required_key("address", text_shape("udp:HOST:PORT", wrong_with_udp_address),
                     "Where the controller listens for confirmations.", "\"udp:192.0.2.10:1162\""),
        required_key("user", text_shape(32),
                     "Security name for both directions, one of snmp.users.", "\"host1\""),
        optional_key("pair", name_shape(),
                     "The pair whose node it is; both nodes have the same here. Of what they say "
                     "about drives the later one's word counts. Not needed with the section pair.",
                     "\"library-1\""),
    });
}

ValueShape own_drive_shape() {
    return object_shape({
        required_key("serial", text_shape("unit serial number", wrong_with_serial, 64),
                     "Unit serial number of the drive (VPD page 80h).", "\"VT00000001\""),
        optional_key("application_name", text_shape(),
                     "The backup application's name of the drive; application.names has the same "
                     "meaning, without either it is the serial.",
                     "\"drive-1\""),
        optional_key("device", text_shape(), "Device node of the drive on this host.",
                     "\"/dev/nst0\""),
    });
}

ValueShape argv_shape() {
    return list_shape(text_shape(4'096), 0, 64);
}

ValueShape states_shape() {
    const auto patterns = [](const std::string& state) {
        return default_key(state, list_shape(text_shape(1'024), 0, 32), "[]",
                           "ECMAScript regular expressions, one of which a line of the query's "
                           "output matches when the drive is " +
                               state + ".");
    };
    return object_shape({patterns("online"), patterns("offline"), patterns("draining")});
}

ValueShape exit_statuses_shape() {
    const auto statuses = [](const std::string& state) {
        return default_key(state, list_shape(integer_shape(0, 255), 0, 256), "[]",
                           "Exit statuses of the query when the drive is " + state + ".");
    };
    return object_shape({statuses("online"), statuses("offline"), statuses("draining")});
}

ValueShape application_shape() {
    return object_shape({
        default_key("profile", text_shape(), "\"generic\"",
                    "How the application is operated: \"generic\", by the programs named here; "
                    "else the name of a profile file in profile_dirs, without \".json\", or the "
                    "path of one."),
        default_key("profile_dirs", list_shape(text_shape(), 1, 16),
                    "[\"/etc/lra/profiles\", \"/usr/share/lra/profiles\"]",
                    "Folders of profiles; the first that has it counts."),
        default_key("parameters", map_shape(text_shape(), 64), "{}",
                    "What the profile asks for; `dsad --print-profile NAME` shows it."),
        default_key("drive_parameters", map_shape(map_shape(text_shape(), 64), 1'024), "{}",
                    "What the profile asks for each drive, by serial."),
        default_key("programs", map_shape(text_shape(4'096), 16), "{}",
                    "Full paths of the profile's programs where they are not in the usual place."),
        default_key("credentials",
                    map_shape(object_shape({required_key("file", text_shape(),
                                                         "File of mode 0600 whose first line is "
                                                         "the secret.",
                                                         "\"/etc/lra/password\"")}),
                              8),
                    "{}", "The profile's credentials."),
        default_key("credentials_in_argv", boolean_shape(), "false",
                    "Accepts that every user of this host can read credentials in the arguments "
                    "of a program that takes them in no other way."),
        default_key("offline", argv_shape(), "[]",
                    "Program and arguments that set a drive offline in the application; {drive} "
                    "(application's name), {serial} and {device} are filled in. No shell."),
        default_key("online", argv_shape(), "[]", "The same, to set a drive online."),
        default_key("query", argv_shape(), "[]", "The same, to ask for a drive's state."),
        default_key("names", map_shape(text_shape(), 1'024), "{}",
                    "The application's names of the drives, by serial."),
        default_key("states", states_shape(), "{}", "Reading the state from the query's output."),
        default_key("exit_codes", exit_statuses_shape(), "{}",
                    "Reading the state from the query's exit status; not together with states."),
        optional_key("accepted_exit_codes", list_shape(integer_shape(0, 255), 1, 256),
                     "Exit statuses of offline and online that mean it was done; 0 when missing.",
                     "[0, 4]"),
        optional_key("timeout_ms", integer_shape(100, 600'000),
                     "How long one program may take; the profile's own time when missing, 30000 "
                     "with \"generic\".",
                     "30000"),
        optional_key("drain_poll_ms", integer_shape(500, 3'600'000),
                     "While a drive drains the application is not asked more often than this; the "
                     "profile's own when missing, 2000 with \"generic\".",
                     "10000"),
        optional_key("drain_limit_ms", integer_shape(0, 604'800'000),
                     "Draining for longer is reported as a state nobody can answer for; 0: never. "
                     "The profile's own when missing, 0 with \"generic\".",
                     "3600000"),
        default_key("observe_only", boolean_shape(), "true",
                    "Watch and report, never touch the application."),
        default_key("in_use", list_shape(text_shape(), 0, 64), "[]",
                    "ECMAScript regular expressions, one of which a line of the query's output "
                    "matches while the application uses the drive: then this host says that it "
                    "holds it, when the controller asks."),
        default_key("open_files", boolean_shape(), "true",
                    "Whether a program that has the drive's device node open means that this host "
                    "holds it; looked up in /proc, nothing is opened."),
        default_key("open_files_ignore", list_shape(text_shape(64), 0, 64),
                    "[\"dsad\", \"lrad\", \"smartd\"]",
                    "Programs (as in /proc/PID/comm) whose open files mean nothing."),
        default_key("holder_probe", argv_shape(), "[]",
                    "Program that finds out whether this host's port holds the drive, for drives "
                    "where a command from here is harmless: exit status 0 it does, 1 it does not. "
                    "Off when empty; never run while a program here has the drive open."),
        default_key("release", argv_shape(), "[]",
                    "Program that makes this host give the drive back, run when an administrator "
                    "of the controller asks for it. Never when empty or with observe_only."),
    });
}

}  // namespace

const ConfigurationSchema& dsad_configuration_schema() {
    static const ConfigurationSchema schema{
        "dsad", "Configuration of the drive sharing agent.",
        object_shape({
            required_key("agent", own_agent_shape(), "This agent.", "{\"name\": \"host1\"}"),
            default_key("control",
                        object_shape({default_key("socket", text_shape(), "\"/run/lra/dsad.sock\"",
                                                  "Control socket, for lractl.")}),
                        "{}", "Where lractl connects to."),
            metrics_key(dsad_metrics_port),
            required_key("controllers", list_shape(known_controller_shape(), 1, 16),
                         "The library controllers whose notices are listened to.",
                         "[{\"address\": \"udp:192.0.2.10:1162\", \"user\": \"host1\"}]"),
            required_key(
                "drives",
                either_shape({choice_shape({"discover"}), list_shape(own_drive_shape(), 0, 1'024)}),
                "The drives this host's application uses; \"discover\": every tape drive that "
                "Linux sees here.",
                "[{\"serial\": \"VT00000001\", \"application_name\": \"drive-1\"}]"),
            required_key(
                "ports",
                either_shape({choice_shape({"discover"}), list_shape(port_shape(), 0, 256)}),
                "All ports of this host; \"discover\": its fibre channel, SAS and iSCSI names as "
                "Linux knows them.",
                "[\"fc:2100000e1e09a1b0\"]"),
            default_key("application", application_shape(), "{}", "The backup application."),
            required_key("snmp", dsad_snmp_shape(), "Notifications and their security.",
                         "{\"listen\": \"udp:0.0.0.0:1162\", \"users\": []}"),
            voter_pair_key(),
        })};
    return schema;
}

}  // namespace agent::runtime
