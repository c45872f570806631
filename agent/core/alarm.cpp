#include "agent/core/alarm.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::core {
namespace {

constexpr EnumeratorName<Severity> severities[] = {
    {Severity::info, "info"},
    {Severity::warning, "warning"},
    {Severity::major, "major"},
    {Severity::critical, "critical"},
};

constexpr EnumeratorName<AlarmKind> alarm_kinds[] = {
    {AlarmKind::handshake_incomplete, "handshake_incomplete"},
    {AlarmKind::drive_forced_offline, "drive_forced_offline"},
    {AlarmKind::drive_unprotected, "drive_unprotected"},
    {AlarmKind::drive_unreachable, "drive_unreachable"},
    {AlarmKind::holder_unknown, "holder_unknown"},
    {AlarmKind::agent_lost, "agent_lost"},
    {AlarmKind::holder_not_configured, "holder_not_configured"},
    {AlarmKind::holder_agent_lost, "holder_agent_lost"},
    {AlarmKind::registrations_orphaned, "registrations_orphaned"},
    {AlarmKind::registrations_doubled, "registrations_doubled"},
    {AlarmKind::reservations_mixed, "reservations_mixed"},
    {AlarmKind::removal_prevented, "removal_prevented"},
    {AlarmKind::drive_path_changed, "drive_path_changed"},
    {AlarmKind::host_unreachable, "host_unreachable"},
    {AlarmKind::messages_refused, "messages_refused"},
    {AlarmKind::pair_alone, "pair_alone"},
    {AlarmKind::pair_out_of_service, "pair_out_of_service"},
    {AlarmKind::pair_peer_silent, "pair_peer_silent"},
    {AlarmKind::pair_copy_behind, "pair_copy_behind"},
    {AlarmKind::pair_voter_missing, "pair_voter_missing"},
    {AlarmKind::pair_promise_short, "pair_promise_short"},
};

}  // namespace

std::string_view to_text(Severity value) {
    return name_of(severities, value);
}
std::string_view to_text(AlarmKind value) {
    return name_of(alarm_kinds, value);
}

std::optional<Severity> severity_from_text(std::string_view text) {
    return value_of(severities, text);
}
std::optional<AlarmKind> alarm_kind_from_text(std::string_view text) {
    return value_of(alarm_kinds, text);
}

}  // namespace agent::core
