#include "agent/shell/command_table.hpp"

#include <algorithm>

#include "agent/shell/application_verbs.hpp"
#include "agent/shell/library_verbs.hpp"
#include "agent/shell/mount_verbs.hpp"
#include "agent/shell/pair_verbs.hpp"
#include "agent/shell/snapshot_verbs.hpp"

namespace agent::shell {
namespace {

using enum Daemon;
using enum ValueKind;
using enum Presence;

constexpr Parameter the_drive{"serial", "SERIAL", serial, required, "the drive's serial number"};
constexpr Parameter the_agent{"name", "NAME", agent_name, required, "the agent's name"};
constexpr Parameter the_reason{"reason", "TEXT", reason, required,
                               "why; written to the event log with your name"};
constexpr Parameter the_port{"port", "PORT", text, required,
                             "the virtual host port: its name, or fc:2100000e1e09a1b0"};
constexpr Parameter own_port{"port", "PORT", text, required,
                             "fc:2100000e1e09a1b0, iscsi:IQN or sas:ADDRESS"};
constexpr Parameter the_device{"device", "NODE", text, optional,
                               "its device node, or a link of udev to it"};
constexpr Parameter a_name{"name", "NAME", text, optional, "what the backup application calls it"};
constexpr Parameter reservation_kind{"kind", "KIND", text, optional,
                                     "reserve6 (the default), reserve10 or persistent"};
constexpr Parameter reservation_key{"key", "HEX", key, optional, "key of a persistent reservation"};

constexpr Noun noun_table[] = {
    {"drive", "tape drives, who holds them, and whether they may be used"},
    {"agent", "the drive sharing agents on the backup hosts"},
    {"volume", "volumes of the library, and mounting them for hosts"},
    {"claim", "drives that are claimed for volumes, and who waits for one"},
    {"pair", "two controllers that serve one library, and the agents' votes"},
    {"handshake", "notices that still wait for a confirmation"},
    {"alarm", "what is wrong now"},
    {"event", "what happened: the event log"},
    {"notice", "notifications to SNMP consumers"},
    {"status", "the daemon itself: version, uptime, counters"},
    {"application", "the backup application of this host (dsad)"},
    {"host", "this host's own ports and tape drives (dsad)"},
    {"library", "the virtual library (vtld)"},
    {"cartridge", "cartridges of the virtual library (vtld)"},
    {"session", "hosts logged in to the virtual library, and their writes (vtld)"},
    {"snapshot", "write sessions as they were at a moment, and their data (vtld)"},
    {"fault", "faults injected into the virtual library (vtld)"},
    {"port", "this host's ports (dsad), virtual fibre channel host ports (vtld)"},
    {"key", "key files for SNMPv3 users; needs no daemon"},
    {"support", "what somebody who is not here needs to help"},
};

constexpr Command own_commands[] = {
    {.noun = "drive",
     .verb = "list",
     .served_by = {lrad, dsad, vtld},
     .view = View::drives,
     .help = "every drive with its state, its holder and how the holder is known",
     .example = "drive list"},
    {.noun = "drive",
     .verb = "show",
     .served_by = {lrad, dsad, vtld},
     .positionals = {the_drive},
     .view = View::drive,
     .help = "everything known about one drive",
     .example = "drive show VT00000001"},
    {.noun = "drive",
     .verb = "why",
     .served_by = {lrad},
     .positionals = {the_drive},
     .view = View::drive_timeline,
     .help = "why the drive is as it is: who reserved it, who confirmed, what to do",
     .example = "drive why VT00000001"},
    {.noun = "drive",
     .verb = "poll",
     .served_by = {lrad},
     .positionals = {the_drive},
     .view = View::drive,
     .help = "look at the drive now instead of at its next turn",
     .example = "drive poll VT00000001"},
    {.noun = "drive",
     .verb = "discover",
     .served_by = {lrad},
     .options = {Parameter{"portal", "HOST[:PORT],...", text, optional,
                           "iSCSI portals to ask besides those of the configured drives"}},
     .view = View::discovered_drives,
     .help = "which drives there are, by which paths, and which of them are configured",
     .example = "drive discover --portal 192.0.2.20:3260"},
    {.noun = "drive",
     .verb = "offline",
     .served_by = {lrad},
     .positionals = {the_drive},
     .options = {the_reason},
     .view = View::drive,
     .help = "force the drive offline for everyone until it is cleared",
     .example = "drive offline VT00000001 --reason \"stuck cartridge\""},
    {.noun = "drive",
     .verb = "clear",
     .served_by = {lrad},
     .positionals = {the_drive},
     .options = {the_reason},
     .view = View::drive,
     .help = "end forced offline; answers for every confirmation still missing",
     .example = "drive clear VT00000001 --reason \"host-b is switched off\""},
    {.noun = "drive",
     .verb = "release",
     .served_by = {lrad},
     .positionals = {the_drive},
     .options = {Parameter{"plan", "", flag, optional,
                           "only show the steps, whom they affect and what is in their way"},
                 Parameter{"allow_reset", "", flag, optional,
                           "go as far as LOGICAL UNIT RESET, on a drive at rest"},
                 Parameter{"reason", "TEXT", reason, optional,
                           "why; required without --plan, written to the event log"}},
     .view = View::facts,
     .help = "end the drive's reservation, least harm first; exit code 3 when it stays reserved",
     .example = "drive release VT00000001 --plan"},
    {.noun = "drive",
     .verb = "add",
     .served_by = {dsad},
     .positionals = {the_drive},
     .options = {the_device, a_name},
     .view = View::facts,
     .help = "a drive of this host that discovery does not find; kept until it is forgotten",
     .example = "drive add VT00000001 --device /dev/nst0 --name \"LTO 1\""},
    {.noun = "drive",
     .verb = "map",
     .served_by = {dsad},
     .positionals = {the_drive},
     .options = {a_name, the_device},
     .view = View::facts,
     .help = "the application's name or the node of a drive that is known already",
     .example = "drive map VT00000001 --name \"LTO 1\""},
    {.noun = "drive",
     .verb = "forget",
     .served_by = {dsad},
     .positionals = {the_drive},
     .view = View::facts,
     .help = "take back what was said by hand, and forget a drive that is gone",
     .example = "drive forget VT00000001"},
    {.noun = "agent",
     .verb = "list",
     .served_by = {lrad},
     .view = View::agents,
     .help = "every configured agent, its state and what it missed",
     .example = "agent list"},
    {.noun = "agent",
     .verb = "show",
     .served_by = {lrad, dsad},
     .positionals = {Parameter{the_agent.name, the_agent.placeholder, agent_name, optional,
                               "the agent's name; dsad has only one"}},
     .view = View::facts,
     .help = "everything known about one agent",
     .example = "agent show host-b"},
    {.noun = "agent",
     .verb = "check",
     .served_by = {lrad},
     .positionals = {the_agent},
     .view = View::facts,
     .help =
         "try everything that a host without dsad needs, over ssh, and explain; changes nothing",
     .example = "agent check host-b"},
    {.noun = "agent",
     .verb = "reconcile",
     .served_by = {lrad},
     .positionals = {the_agent},
     .view = View::facts,
     .help = "tell it the state of every drive afresh, and show what it made of it; exit code 3 "
             "when something is missing",
     .example = "agent reconcile host-b"},
    {.noun = "agent",
     .verb = "retire",
     .served_by = {lrad},
     .positionals = {the_agent},
     .options = {the_reason},
     .view = View::facts,
     .help = "its host is gone: it owes nothing until it says \"started\" again",
     .example = "agent retire host-b --reason \"host-b was taken out of service\""},
    {.noun = "agent",
     .verb = "ledger",
     .served_by = {lrad},
     .view = View::host_ledgers,
     .help = "what a pair of controllers has set offline on hosts without an agent, configured or "
             "not any more",
     .example = "agent ledger"},
    {.noun = "agent",
     .verb = "forget",
     .served_by = {lrad},
     .positionals = {the_agent},
     .options = {the_reason},
     .view = View::facts,
     .help = "of a host without an agent that a pair does not have any more: nothing is brought "
             "back online there",
     .example = "agent forget host-d --reason \"brought back by hand\""},
    {.noun = "handshake",
     .verb = "list",
     .served_by = {lrad},
     .view = View::handshakes,
     .help = "notices not yet confirmed by everyone, and whose word is missing",
     .example = "handshake list"},
    {.noun = "alarm",
     .verb = "list",
     .served_by = {lrad, dsad},
     .view = View::alarms,
     .help = "active alarms, the gravest first",
     .example = "alarm list"},
    {.noun = "event",
     .verb = "list",
     .served_by = {lrad, dsad},
     .options = {Parameter{"drive", "SERIAL", serial, optional, "only events of this drive"},
                 Parameter{"since", "TIME", point_in_time, optional,
                           "2026-01-31T12:00:00Z, local \"2026-01-31 12:00\", or 10m ago"},
                 Parameter{"limit", "N", count, optional,
                           "at most the newest N events, up to 10000; 100 when not given"}},
     .view = View::events,
     .help = "what happened, oldest first",
     .example = "event list --drive VT00000001 --since 2h"},
    {.noun = "event",
     .verb = "follow",
     .served_by = {lrad, dsad},
     .view = View::events,
     .help = "events as they happen, until Ctrl-C",
     .example = "event follow"},
    {.noun = "notice",
     .verb = "test",
     .served_by = {lrad},
     .view = View::facts,
     .help = "send a test notification to every consumer",
     .example = "notice test"},
    {.noun = "notice",
     .verb = "consumers",
     .served_by = {lrad},
     .view = View::consumers,
     .help = "who gets notifications, what waits, and what was delivered and lost",
     .example = "notice consumers"},
    {.noun = "status",
     .verb = "show",
     .served_by = {lrad, dsad, vtld},
     .view = View::facts,
     .help = "version, epoch, uptime and counters of the daemon",
     .example = "status show"},
    {.noun = "host",
     .verb = "show",
     .served_by = {dsad},
     .view = View::host,
     .help = "this host's ports and tape drives, and where each fact comes from",
     .example = "host show"},
    {.noun = "fault",
     .verb = "list",
     .served_by = {vtld},
     .view = View::facts,
     .help = "faults that are active, and the kinds there are",
     .example = "fault list"},
    {.noun = "fault",
     .verb = "inject",
     .served_by = {vtld},
     .positionals = {the_drive, Parameter{"fault", "FAULT", text, required, "see fault list"}},
     .options = {Parameter{"count", "N", count, optional, "for the next N commands only"},
                 Parameter{"delay_ms", "MS", milliseconds, optional, "how slow the fault slow is"},
                 Parameter{"sense", "SENSE", text, optional, "of the fault sense: 03/11/00"},
                 Parameter{"opcode", "HEX", hex_bytes, optional, "for this operation code only"},
                 Parameter{"block", "N", number, optional, "of the fault media_error: which block"},
                 Parameter{"at_mb", "MB", number, optional,
                           "of the fault early_warning: from where"},
                 Parameter{"cache", "FATE", text, optional,
                           "of the fault power_cycle: lost (the default) or kept"}},
     .view = View::facts,
     .help = "make a drive misbehave",
     .example = "fault inject VT00000001 busy --count 3"},
    {.noun = "fault",
     .verb = "clear",
     .served_by = {vtld},
     .positionals = {Parameter{"serial", "SERIAL", serial, optional, "only of this drive"},
                     Parameter{"fault", "FAULT", text, optional, "only this kind"}},
     .options = {Parameter{"id", "N", count, optional, "only the fault of that number"}},
     .view = View::facts,
     .help = "end faults: all of them, or those of a drive",
     .example = "fault clear VT00000001"},
    {.noun = "port",
     .verb = "list",
     .served_by = {dsad, vtld},
     .view = View::facts,
     .help = "this host's own ports (dsad); the virtual ones and where they are logged in (vtld)",
     .example = "port list"},
    {.noun = "port",
     .verb = "add",
     .served_by = {dsad},
     .positionals = {own_port},
     .view = View::facts,
     .help = "a port of this host that discovery does not find",
     .example = "port add fc:2100000e1e09a1b0"},
    {.noun = "port",
     .verb = "remove",
     .served_by = {dsad},
     .positionals = {own_port},
     .view = View::facts,
     .help = "not a port of this host, whatever discovery finds",
     .example = "port remove iscsi:iqn.2001-04.com.example:copied"},
    {.noun = "port",
     .verb = "reserve",
     .served_by = {vtld},
     .positionals = {the_drive, the_port},
     .options = {reservation_kind,
                 Parameter{"type", "N", count, optional,
                           "type of a persistent reservation, 1 to 8; 3 when not given"},
                 reservation_key},
     .view = View::facts,
     .help = "reserve a drive through a virtual host port",
     .example = "port reserve VT00000001 fc:2100000e1e09a1b0 --kind reserve6"},
    {.noun = "port",
     .verb = "release",
     .served_by = {vtld},
     .positionals = {the_drive, the_port},
     .options = {reservation_kind, Parameter{"type", "N", count, optional, "as in port reserve"},
                 reservation_key},
     .view = View::facts,
     .help = "release a drive through a virtual host port",
     .example = "port release VT00000001 fc:2100000e1e09a1b0"},
    {.noun = "port",
     .verb = "command",
     .served_by = {vtld},
     .positionals = {the_drive, the_port,
                     Parameter{"cdb", "CDB", hex_bytes, required, "the command, in hex"}},
     .options = {Parameter{"data", "HEX", hex_bytes, optional, "data-out"}},
     .view = View::facts,
     .help = "send any SCSI command through a virtual host port",
     .example = "port command VT00000001 fc:2100000e1e09a1b0 000000000000"},
    {.noun = "port",
     .verb = "logout",
     .served_by = {vtld},
     .positionals = {the_drive, the_port},
     .view = View::facts,
     .help = "end the port's session with the drive, as a host that goes away",
     .example = "port logout VT00000001 fc:2100000e1e09a1b0"},
    {.noun = "key",
     .verb = "create",
     .served_by = {none},
     .positionals = {Parameter{"file", "FILE", file, required, "must not exist yet"}},
     .options = {Parameter{"passphrase_from_stdin", "", flag, optional,
                           "store the passphrase on the first line of stdin"}},
     .view = View::none,
     .help = "write a new key file (mode 0600) with a random 256-bit key",
     .example = "key create /etc/lra/host-b.key"},
    {.noun = "support",
     .verb = "bundle",
     .served_by = {none},
     .positionals = {Parameter{"file", "FILE", file, required, "tar file; must not exist yet"}},
     .options = {Parameter{"configuration", "FOLDER", text, optional,
                           "of lrad.json, dsad.json and vtld.json; /etc/lra when not given"},
                 Parameter{"sockets", "FOLDER", text, optional,
                           "of the control sockets; /run/lra when not given"}},
     .view = View::none,
     .help = "gather answers, configuration without secrets, journal and versions in one tar file",
     .example = "support bundle /tmp/lra.tar"},
};

// The table's parts, one behind the other.
template <std::size_t... sizes>
constexpr auto joined(const Command (&... parts)[sizes]) {
    std::array<Command, (sizes + ...)> all{};
    auto to = all.begin();
    ((to = std::copy(std::begin(parts), std::end(parts), to)), ...);
    return all;
}
constexpr auto command_table = joined(own_commands, application_verbs::table, library_verbs::table,
                                      snapshot_verbs::table, mount_verbs::table, pair_verbs::table);

constexpr bool every_command_has_a_noun() {
    return std::ranges::all_of(command_table, [](const Command& command) {
        return std::ranges::any_of(noun_table,
                                   [&](const Noun& noun) { return noun.name == command.noun; });
    });
}
static_assert(every_command_has_a_noun());

std::string placeholder_of(const Parameter& parameter) {
    std::string text{parameter.placeholder};
    return parameter.presence == required ? text : "[" + text + "]";
}

std::string option_usage(const Parameter& option) {
    std::string text = option_of(option);
    if (option.kind != flag) text += " " + std::string{option.placeholder};
    return option.presence == required ? text : "[" + text + "]";
}

}  // namespace

std::span<const Command> commands() {
    return command_table;
}
std::span<const Noun> nouns() {
    return noun_table;
}

const Noun* find_noun(std::string_view name) {
    const auto* found = std::ranges::find(noun_table, name, &Noun::name);
    return found == std::end(noun_table) ? nullptr : found;
}

const Command* find_command(std::string_view noun, std::string_view verb) {
    const auto* found = std::ranges::find_if(command_table, [&](const Command& command) {
        return command.noun == noun && command.verb == verb;
    });
    return found == std::end(command_table) ? nullptr : found;
}

std::vector<std::string_view> verbs_of(std::string_view noun) {
    std::vector<std::string_view> verbs;
    for (const Command& command : command_table) {
        if (command.noun == noun) verbs.push_back(command.verb);
    }
    return verbs;
}

bool serves(Daemon daemon, const Command& command) {
    return daemon != none &&
           std::ranges::find(command.served_by, daemon) != command.served_by.end();
}

std::string method_of(const Command& command) {
    return std::string{command.noun} + "." + std::string{command.verb};
}

std::string option_of(const Parameter& parameter) {
    std::string text = "--" + std::string{parameter.name};
    std::ranges::replace(text, '_', '-');
    return text;
}

std::string usage_of(const Command& command) {
    std::string text = std::string{command.noun} + " " + std::string{command.verb};
    for (const Parameter& positional : command.positionals) {
        if (!positional.name.empty()) text += " " + placeholder_of(positional);
    }
    for (const Parameter& option : command.options) {
        if (!option.name.empty()) text += " " + option_usage(option);
    }
    return text;
}

std::string_view to_text(Daemon daemon) {
    switch (daemon) {
        case none:
            return "lractl";
        case lrad:
            return "lrad";
        case dsad:
            return "dsad";
        case vtld:
            return "vtld";
    }
    return "?";
}

std::string default_socket(Daemon daemon) {
    return "/run/lra/" + std::string{to_text(daemon)} + ".sock";
}

}  // namespace agent::shell
