#pragma once

// Every message an operator can meet in the event log, in an alarm or in the journal. The
// identifier never changes and is never used again for something else; docs/MESSAGES.md is
// generated from this catalogue.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "agent/core/alarm.hpp"

namespace agent::core {

enum class Message : std::uint16_t {
    drive_reserved = 1001,
    drive_released = 1002,
    reservation_changed = 1003,
    holder_unknown = 1004,
    holder_known = 1005,
    drive_unreachable = 1006,
    drive_answers = 1007,

    holder_not_configured = 1020,
    holder_agent_lost = 1021,
    registrations_orphaned = 1022,
    registrations_doubled = 1023,
    reservations_mixed = 1024,
    removal_prevented = 1025,
    concern_over = 1026,
    holder_asked = 1040,
    holder_stated = 1041,
    holder_probable = 1042,
    statements_contradict = 1043,
    statement_from_nowhere = 1044,
    statement_not_believed = 1045,
    statement_withdrawn = 1046,
    drive_path_changed = 1060,
    drive_path_right = 1061,
    host_reached = 1080,
    host_unreachable = 1081,
    host_key_changed = 1082,
    host_login_refused = 1083,
    host_command_hung = 1084,
    host_not_understood = 1085,
    volume_mounted = 1100,
    volume_unmounted = 1101,
    mount_failed = 1102,
    mount_drive_refused = 1103,
    mount_drive_quarantined = 1104,
    mount_volume_quarantined = 1105,
    claim_recovered = 1106,
    changer_unreachable = 1107,
    mounts_served = 1108,
    mount_state_set = 1109,
    pair_state_changed = 1140,
    pair_taken_over = 1141,
    pair_votes_missing = 1142,
    pair_votes_refused = 1143,
    pair_fenced = 1144,
    pair_agent_forgot = 1145,
    pair_shutdown_ordered = 1146,
    pair_shutdown_refused = 1147,
    pair_left_service = 1148,
    pair_peer_silent = 1149,
    pair_peer_heard = 1150,
    pair_agent_enrolled = 1151,
    pair_claims_not_judged = 1152,
    pair_old_key_stands = 1153,
    pair_times_differ = 1154,
    pair_hands_over = 1155,
    pair_not_handed_over = 1156,
    pair_node_begins_anew = 1157,
    pair_command_waits = 1158,
    pair_promise_too_short = 1159,
    pair_promise_enough = 1160,
    offline_not_shared = 1162,
    offline_shared = 1163,
    offline_of_other_node = 1164,
    offline_ended_by_other = 1165,
    request_passed_on = 1166,
    request_taken_on = 1167,
    requests_not_passed = 1168,
    database_started = 1170,
    database_lost = 1171,
    database_step_failed = 1172,
    database_found_running = 1173,
    database_rewound = 1174,
    database_copied = 1175,
    database_foreign = 1176,
    database_killed = 1177,
    database_out_of_step = 1178,
    commit_not_believed = 1179,
    messages_refused = 1180,
    messages_refused_over = 1181,
    pair_alone = 1182,
    pair_complete = 1183,
    pair_out_of_service = 1184,
    pair_in_service = 1185,
    pair_peer_missing = 1186,
    pair_peer_back = 1187,
    pair_copy_behind = 1188,
    pair_copy_follows = 1189,
    pair_voter_missing = 1190,
    pair_voter_back = 1191,

    host_drive_unused = 1200,
    host_ledgers_differ = 1201,
    host_ledger_left_over = 1202,
    host_named_differently = 1203,
    host_named_alike = 1204,

    notice_sent = 2001,
    notice_confirmed = 2002,
    agent_asked_again = 2003,
    agent_refused = 2004,
    agent_draining = 2005,
    budget_spent = 2006,
    drive_settled = 2007,
    confirmation_from_nowhere = 2008,
    asked_after_restart = 2009,
    debt_waived = 2010,

    drive_forced_offline = 3001,
    drive_is_offline = 3002,
    drive_unprotected = 3003,
    administrator_forced = 3004,
    administrator_cleared = 3005,
    lift_failed = 3006,
    drive_online = 3007,
    forced_again_after_restart = 3008,
    forced_offline_left_behind = 3009,
    forced_offline_remembered = 3010,
    fence_lost = 3020,
    fence_left_behind = 3021,
    fence_gone = 3022,
    release_asked = 3023,
    release_step = 3024,
    release_succeeded = 3025,
    release_failed = 3026,

    agent_starting = 4001,
    agent_started = 4002,
    agent_stopped = 4003,
    agent_lost = 4004,
    agent_returned = 4005,
    agent_of_earlier_life = 4006,
    agent_retired = 4007,
    peer_unknown = 4008,
    agent_told_anew = 4009,

    application_set_offline = 5001,
    application_set_online = 5002,
    application_command_failed = 5003,
    application_draining = 5004,
    application_state_unknown = 5005,
    left_to_operator = 5006,
    operator_set_drive = 5007,
    ledger_unfinished = 5008,
    controller_of_earlier_life = 5009,
    agent_stopping = 5010,
    controller_unknown = 5011,

    taken_over_in_application = 5100,

    host_fact_by_hand = 5150,
    host_fact_contradicted = 5151,
    device_events_not_heard = 5152,
    reconcile_asked = 5153,
    reconcile_settled = 5154,

    pair_enrolled_here = 5180,
    pair_not_enrolled = 5181,
    pair_agreed = 5182,
    pair_objected = 5183,
    pair_key_stored = 5184,
    pair_command_carried = 5185,
    pair_hold_set = 5186,
    pair_view_changed = 5187,
    pair_node_heard_anew = 5188,

    application_command_cut_off = 5230,
    found_drive_unused = 5231,
};

struct MessageDescription {
    Message message;
    Severity severity;
    std::string_view format;   // {} stands for the next argument
    std::string_view meaning;  // what has happened, for the night operator
    std::string_view remedy;   // what to do
};

[[nodiscard]] std::span<const MessageDescription> message_catalogue();
[[nodiscard]] const MessageDescription& description_of(Message message);

// "LRA1001"; messages of the drive sharing agent, from 5001 on, begin with DSA.
[[nodiscard]] std::string identifier_of(Message message);

// The number of arguments must be the number of {} in the format.
[[nodiscard]] std::string text_of(Message message,
                                  std::initializer_list<std::string_view> arguments);
[[nodiscard]] std::string text_of(Message message, std::span<const std::string> arguments);

// The page docs/MESSAGES.md, as Markdown.
[[nodiscard]] std::string message_catalogue_page();

}  // namespace agent::core
