#include "snmp_mib/snmp_counters.hpp"

namespace snmp_mib {

std::string_view to_text(SnmpCount value) {
    switch (value) {
        using enum SnmpCount;
        case datagrams_received:
            return "datagrams_received";
        case messages_delivered:
            return "messages_delivered";
        case acknowledgements_sent:
            return "acknowledgements_sent";
        case discoveries_answered:
            return "discoveries_answered";
        case reports_sent:
            return "reports_sent";
        case dropped_source:
            return "dropped_source";
        case dropped_oversize:
            return "dropped_oversize";
        case dropped_malformed:
            return "dropped_malformed";
        case dropped_version:
            return "dropped_version";
        case dropped_security_model:
            return "dropped_security_model";
        case dropped_engine:
            return "dropped_engine";
        case dropped_security_level:
            return "dropped_security_level";
        case dropped_rate:
            return "dropped_rate";
        case refused_unknown_user:
            return "refused_unknown_user";
        case refused_wrong_key:
            return "refused_wrong_key";
        case refused_time_window:
            return "refused_time_window";
        case refused_decryption:
            return "refused_decryption";
        case refused_parse:
            return "refused_parse";
        case refused_repeated:
            return "refused_repeated";
        case refused_user_not_a_peer:
            return "refused_user_not_a_peer";
        case refused_command:
            return "refused_command";
        case refused_content:
            return "refused_content";
        case refused_name:
            return "refused_name";
        case refused_role:
            return "refused_role";
        case hints_taken:
            return "hints_taken";
        case hints_ignored:
            return "hints_ignored";
        case hints_refused:
            return "hints_refused";
        case messages_sent:
            return "messages_sent";
        case messages_resent:
            return "messages_resent";
        case messages_acknowledged:
            return "messages_acknowledged";
        case messages_superseded:
            return "messages_superseded";
        case messages_given_up:
            return "messages_given_up";
        case messages_unknown_peer:
            return "messages_unknown_peer";
        case messages_not_queued:
            return "messages_not_queued";
        case send_failed:
            return "send_failed";
        case probes_sent:
            return "probes_sent";
        case answers_late:
            return "answers_late";
        case answers_unexpected:
            return "answers_unexpected";
        case reports_received:
            return "reports_received";
        case peer_engine_changes:
            return "peer_engine_changes";
        case library_messages:
            return "library_messages";
        case library_messages_suppressed:
            return "library_messages_suppressed";
    }
    return "";
}

}  // namespace snmp_mib
