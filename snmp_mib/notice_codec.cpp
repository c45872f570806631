#include "snmp_mib/notice_codec.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "agent/core/notice.hpp"
#include "agent/core/reservation.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/varbind_reader.hpp"

namespace snmp_mib {

namespace {

using agent::core::AlarmKind;
using agent::core::NoticeId;
using oids::Notification;
using oids::NotifyObject;

// Enumerations stand in the MIB from 1 upwards, in the order of the core's enumerators.
template <typename Enumeration>
std::uint8_t wire(Enumeration value) {
    return static_cast<std::uint8_t>(static_cast<std::uint8_t>(value) + 1);
}

std::string big_endian(std::uint64_t value) {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes += static_cast<char>(value >> shift & 0xffU);
    return bytes;
}

std::uint64_t from_big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes)
        value = value << 8U | static_cast<unsigned char>(c);
    return value;
}

class Writer {
  public:
    Writer(Notification which, TimeTicks up_time) {
        varbinds_.push_back({oids::sys_up_time_0, up_time});
        varbinds_.push_back({oids::snmp_trap_oid_0, oids::of(which)});
    }
    Writer& add(NotifyObject object, VarbindValue value) {
        varbinds_.push_back({oids::of(object), std::move(value)});
        return *this;
    }
    Writer& text(NotifyObject object, std::string bytes) {
        return add(object, OctetString{std::move(bytes)});
    }
    Writer& notice(const NoticeId& id) {
        return text(NotifyObject::notice, big_endian(id.epoch) + big_endian(id.sequence));
    }
    std::vector<Varbind> take() { return std::move(varbinds_); }

  private:
    std::vector<Varbind> varbinds_;
};

NoticeId read_notice_id(VarbindReader& reader) {
    const std::string bytes = reader.octets(NotifyObject::notice, 16, 16);
    if (bytes.size() != 16) return {};
    return {from_big_endian(std::string_view(bytes).substr(0, 8)),
            from_big_endian(std::string_view(bytes).substr(8))};
}

// TlrReservation: state, kind, evidence, operational state, number of holders (255: or more), and
// when persistent its TYPE and eight bytes of RESERVATION KEY.
std::string pack_reservation(const agent::core::Notice& notice) {
    const agent::core::Reservation& reservation = notice.reservation;
    std::string bytes;
    for (const std::uint8_t octet :
         {wire(reservation.state), wire(reservation.kind), wire(notice.evidence),
          wire(notice.operational_state),
          static_cast<std::uint8_t>(std::min<std::size_t>(reservation.holders.size(), 255))}) {
        bytes += static_cast<char>(octet);
    }
    if (reservation.persistent) {
        bytes += static_cast<char>(reservation.persistent->type);
        bytes += big_endian(reservation.persistent->key);
    }
    return bytes;
}

// Returns the number of holders that the drive has.
std::size_t read_reservation(VarbindReader& reader, agent::core::Notice& notice) {
    const std::string bytes = reader.octets(NotifyObject::reservation, 5, 14);
    if (bytes.size() != 5 && bytes.size() != 14) {
        reader.refuse("tlrNotifyReservation has a length that it never has");
        return 0;
    }
    const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    const auto valid = [&](std::size_t i, std::uint8_t most) {
        return octet(i) >= 1 && octet(i) <= most;
    };
    if (!valid(0, wire(agent::core::ReservationState::unknown)) ||
        !valid(1, wire(agent::core::ReservationKind::persistent)) ||
        !valid(2, wire(agent::core::HolderEvidence::none)) ||
        !valid(3, wire(agent::core::OperationalState::unreachable))) {
        reader.refuse("tlrNotifyReservation holds a value that does not exist");
        return 0;
    }
    notice.reservation.state = static_cast<agent::core::ReservationState>(octet(0) - 1);
    notice.reservation.kind = static_cast<agent::core::ReservationKind>(octet(1) - 1);
    notice.evidence = static_cast<agent::core::HolderEvidence>(octet(2) - 1);
    notice.operational_state = static_cast<agent::core::OperationalState>(octet(3) - 1);
    if (bytes.size() == 14) {
        notice.reservation.persistent = agent::core::PersistentReservation{
            octet(5), from_big_endian(std::string_view(bytes).substr(6))};
    }
    return octet(4);
}

// Port texts with a blank between them. A port whose text would not read back is left out, as is
// everything beyond the limits; the count in TlrReservation says so.
std::string pack_holders(const std::vector<agent::core::InitiatorPort>& holders) {
    std::string text;
    std::size_t listed = 0;
    for (const agent::core::InitiatorPort& port : holders) {
        const std::string one = agent::core::to_text(port);
        if (one.find(' ') != std::string::npos ||
            agent::core::initiator_port_from_text(one) != port) {
            continue;
        }
        if (listed == holders_max || text.size() + 1 + one.size() > holders_length_max) break;
        if (!text.empty()) text += ' ';
        text += one;
        ++listed;
    }
    return text;
}

std::vector<agent::core::InitiatorPort> read_ports(VarbindReader& reader) {
    std::vector<agent::core::InitiatorPort> ports;
    const std::string text = reader.text(NotifyObject::holders, 0, holders_length_max);
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::string_view one = rest.substr(0, rest.find(' '));
        const std::optional<agent::core::InitiatorPort> port =
            agent::core::initiator_port_from_text(one);
        if (!port || ports.size() == holders_max) {
            reader.refuse("tlrNotifyHolders is not a list of ports");
            return {};
        }
        ports.push_back(*port);
        rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    }
    if (text.ends_with(' ')) reader.refuse("tlrNotifyHolders ends with a blank");
    std::sort(ports.begin(), ports.end());
    return ports;
}

void read_holders(VarbindReader& reader, std::size_t count, agent::core::Notice& notice) {
    notice.reservation.holders = read_ports(reader);
    if (notice.reservation.holders.size() > count) {
        reader.refuse("tlrNotifyHolders lists more ports than tlrNotifyReservation counts");
    }
}

agent::core::Notice read_notice(VarbindReader& reader) {
    agent::core::Notice notice;
    notice.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    notice.drive.text = reader.text(NotifyObject::drive, 1, serial_length_max);
    notice.id = read_notice_id(reader);
    const std::size_t count = read_reservation(reader, notice);
    read_holders(reader, count, notice);
    notice.holder_domain = reader.text(NotifyObject::domain, 0, name_length_max);
    return notice;
}

agent::core::Confirmation read_confirmation(VarbindReader& reader) {
    agent::core::Confirmation confirmation;
    confirmation.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    confirmation.agent = reader.text(NotifyObject::agent, 1, name_length_max);
    confirmation.drive.text = reader.text(NotifyObject::drive, 1, serial_length_max);
    confirmation.id = read_notice_id(reader);
    confirmation.result = static_cast<agent::core::ConfirmationResult>(reader.enumeration(
        NotifyObject::result, 1, static_cast<int>(agent::core::ConfirmationResult::draining)));
    confirmation.detail = reader.text(NotifyObject::detail, 0, detail_length_max);
    return confirmation;
}

agent::core::AgentPresence read_presence(VarbindReader& reader) {
    agent::core::AgentPresence presence;
    presence.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    presence.agent = reader.text(NotifyObject::agent, 1, name_length_max);
    presence.incarnation = reader.counter64(NotifyObject::incarnation);
    return presence;
}

agent::core::HolderInquiry read_inquiry(VarbindReader& reader) {
    agent::core::HolderInquiry inquiry;
    inquiry.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    inquiry.drive.text = reader.text(NotifyObject::drive, 1, serial_length_max);
    inquiry.id = read_notice_id(reader);
    inquiry.request = static_cast<agent::core::HolderRequest>(reader.enumeration(
        NotifyObject::request, 1, static_cast<int>(agent::core::HolderRequest::release)));
    return inquiry;
}

agent::core::HolderStatement read_statement(VarbindReader& reader) {
    agent::core::HolderStatement statement;
    statement.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    statement.agent = reader.text(NotifyObject::agent, 1, name_length_max);
    statement.drive.text = reader.text(NotifyObject::drive, 1, serial_length_max);
    statement.id = read_notice_id(reader);
    statement.answer = static_cast<agent::core::HolderAnswer>(reader.enumeration(
        NotifyObject::answer, 1, static_cast<int>(agent::core::HolderAnswer::can_not_tell)));
    statement.release = static_cast<agent::core::ReleaseResult>(reader.enumeration(
        NotifyObject::release, 1, static_cast<int>(agent::core::ReleaseResult::not_configured)));
    statement.ports = read_ports(reader);
    statement.domain = reader.text(NotifyObject::domain, 0, name_length_max);
    statement.detail = reader.text(NotifyObject::detail, 0, detail_length_max);
    return statement;
}

std::vector<Varbind> write(const agent::core::HolderInquiry& inquiry, TimeTicks up_time) {
    return Writer(Notification::holder_inquiry, up_time)
        .text(NotifyObject::controller, inquiry.controller)
        .text(NotifyObject::drive, inquiry.drive.text)
        .notice(inquiry.id)
        .add(NotifyObject::request, Integer32{static_cast<std::int32_t>(inquiry.request)})
        .take();
}

std::vector<Varbind> write(const agent::core::HolderStatement& statement, TimeTicks up_time) {
    return Writer(Notification::holder_statement, up_time)
        .text(NotifyObject::controller, statement.controller)
        .text(NotifyObject::agent, statement.agent)
        .text(NotifyObject::drive, statement.drive.text)
        .notice(statement.id)
        .add(NotifyObject::answer, Integer32{static_cast<std::int32_t>(statement.answer)})
        .add(NotifyObject::release, Integer32{static_cast<std::int32_t>(statement.release)})
        .text(NotifyObject::holders, pack_holders(statement.ports))
        .text(NotifyObject::domain, statement.domain)
        .text(NotifyObject::detail, bounded_text(statement.detail, detail_length_max))
        .take();
}

std::vector<Varbind> write(const agent::core::Notice& notice, TimeTicks up_time) {
    return Writer(Notification::reservation_notice, up_time)
        .text(NotifyObject::controller, notice.controller)
        .text(NotifyObject::drive, notice.drive.text)
        .notice(notice.id)
        .text(NotifyObject::reservation, pack_reservation(notice))
        .text(NotifyObject::holders, pack_holders(notice.reservation.holders))
        .text(NotifyObject::domain, notice.holder_domain)
        .take();
}

std::vector<Varbind> write(const agent::core::Confirmation& confirmation, TimeTicks up_time) {
    return Writer(Notification::notice_confirmation, up_time)
        .text(NotifyObject::controller, confirmation.controller)
        .text(NotifyObject::agent, confirmation.agent)
        .text(NotifyObject::drive, confirmation.drive.text)
        .notice(confirmation.id)
        .add(NotifyObject::result, Integer32{static_cast<std::int32_t>(confirmation.result)})
        .text(NotifyObject::detail, bounded_text(confirmation.detail, detail_length_max))
        .take();
}

std::vector<Varbind> write(Notification which, const agent::core::AgentPresence& presence,
                           TimeTicks up_time) {
    return Writer(which, up_time)
        .text(NotifyObject::controller, presence.controller)
        .text(NotifyObject::agent, presence.agent)
        .add(NotifyObject::incarnation, Counter64{presence.incarnation})
        .take();
}

struct AlarmNotifications {
    AlarmKind kind;
    Notification raised;
    Notification cleared;
};
constexpr AlarmNotifications alarm_notifications[] = {
    {AlarmKind::handshake_incomplete, Notification::handshake_incomplete,
     Notification::handshake_completed},
    {AlarmKind::drive_forced_offline, Notification::drive_forced_offline,
     Notification::drive_cleared},
    {AlarmKind::drive_unprotected, Notification::drive_unprotected, Notification::drive_protected},
    {AlarmKind::drive_unreachable, Notification::drive_unreachable, Notification::drive_reachable},
    {AlarmKind::holder_unknown, Notification::holder_unknown, Notification::holder_known},
    {AlarmKind::agent_lost, Notification::agent_lost, Notification::agent_returned},
    {AlarmKind::holder_not_configured, Notification::drive_concern,
     Notification::drive_concern_over},
    {AlarmKind::holder_agent_lost, Notification::drive_concern, Notification::drive_concern_over},
    {AlarmKind::registrations_orphaned, Notification::drive_concern,
     Notification::drive_concern_over},
    {AlarmKind::registrations_doubled, Notification::drive_concern,
     Notification::drive_concern_over},
    {AlarmKind::reservations_mixed, Notification::drive_concern, Notification::drive_concern_over},
    {AlarmKind::removal_prevented, Notification::drive_concern, Notification::drive_concern_over},
    {AlarmKind::drive_path_changed, Notification::drive_concern, Notification::drive_concern_over},
    {AlarmKind::host_unreachable, Notification::agent_lost, Notification::agent_returned},
    {AlarmKind::messages_refused, Notification::refusals_many, Notification::refusals_over},
    {AlarmKind::pair_alone, Notification::pair_trouble, Notification::pair_trouble_over},
    {AlarmKind::pair_out_of_service, Notification::pair_trouble, Notification::pair_trouble_over},
    {AlarmKind::pair_peer_silent, Notification::pair_trouble, Notification::pair_trouble_over},
    {AlarmKind::pair_copy_behind, Notification::pair_trouble, Notification::pair_trouble_over},
    {AlarmKind::pair_voter_missing, Notification::pair_trouble, Notification::pair_trouble_over},
    {AlarmKind::pair_promise_short, Notification::pair_trouble, Notification::pair_trouble_over},
};

}  // namespace

std::vector<Varbind> encode(const AgentMessage& message, TimeTicks up_time) {
    if (const auto* notice = std::get_if<ReservationNotice>(&message)) {
        return write(notice->notice, up_time);
    }
    if (const auto* confirmation = std::get_if<NoticeConfirmation>(&message)) {
        return write(confirmation->confirmation, up_time);
    }
    if (const auto* started = std::get_if<AgentStartedMessage>(&message)) {
        return write(Notification::agent_started, started->presence, up_time);
    }
    if (const auto* inquiry = std::get_if<HolderInquiryMessage>(&message)) {
        return write(inquiry->inquiry, up_time);
    }
    if (const auto* statement = std::get_if<HolderStatementMessage>(&message)) {
        return write(statement->statement, up_time);
    }
    return write(Notification::agent_stopping, std::get<AgentStoppingMessage>(message).presence,
                 up_time);
}

agent::core::Result<AgentMessage> decode(std::span<const Varbind> varbinds) {
    VarbindReader reader(varbinds);
    std::optional<AgentMessage> message;
    if (reader.notification() == Notification::reservation_notice) {
        message = ReservationNotice{read_notice(reader)};
    } else if (reader.notification() == Notification::notice_confirmation) {
        message = NoticeConfirmation{read_confirmation(reader)};
    } else if (reader.notification() == Notification::agent_started) {
        message = AgentStartedMessage{read_presence(reader)};
    } else if (reader.notification() == Notification::agent_stopping) {
        message = AgentStoppingMessage{read_presence(reader)};
    } else if (reader.notification() == Notification::holder_inquiry) {
        message = HolderInquiryMessage{read_inquiry(reader)};
    } else if (reader.notification() == Notification::holder_statement) {
        message = HolderStatementMessage{read_statement(reader)};
    } else {
        reader.refuse("not a message between agents");
    }
    const agent::core::Outcome outcome = reader.finish();
    if (!outcome) return outcome.error();
    return *std::move(message);
}

std::vector<Varbind> encode(const AlarmNotification& notification, TimeTicks up_time) {
    const agent::core::Alarm& alarm = notification.alarm;
    const auto* row = std::find_if(std::begin(alarm_notifications), std::end(alarm_notifications),
                                   [&](const auto& r) { return r.kind == alarm.key.kind; });
    AGENT_ASSERT(row != std::end(alarm_notifications));
    return Writer(notification.active ? row->raised : row->cleared, up_time)
        .text(NotifyObject::controller, notification.controller)
        .add(NotifyObject::sequence, Unsigned32{notification.sequence})
        .add(NotifyObject::alarm_kind, Integer32{static_cast<std::int32_t>(alarm.key.kind)})
        .text(NotifyObject::drive, alarm.key.drive.text)
        .text(NotifyObject::agent, alarm.key.agent)
        .add(NotifyObject::severity, Integer32{static_cast<std::int32_t>(alarm.severity)})
        .text(NotifyObject::raised_at, utc_text(alarm.raised_at))
        .text(NotifyObject::text, bounded_text(alarm.text, alarm_text_length_max))
        .take();
}

agent::core::Result<AlarmNotification> decode_alarm(std::span<const Varbind> varbinds) {
    VarbindReader reader(varbinds);
    const auto* row = std::find_if(std::begin(alarm_notifications), std::end(alarm_notifications),
                                   [&](const AlarmNotifications& r) {
                                       return reader.notification() == r.raised ||
                                              reader.notification() == r.cleared;
                                   });
    if (row == std::end(alarm_notifications)) {
        reader.refuse("not an alarm");
        return reader.finish().error();
    }
    AlarmNotification notification;
    agent::core::Alarm& alarm = notification.alarm;
    notification.active = reader.notification() == row->raised;
    notification.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    notification.sequence = reader.unsigned32(NotifyObject::sequence);
    alarm.key.kind = static_cast<AlarmKind>(reader.enumeration(
        NotifyObject::alarm_kind, 1, static_cast<int>(AlarmKind::pair_promise_short)));
    const bool belongs = std::any_of(
        std::begin(alarm_notifications), std::end(alarm_notifications),
        [&](const auto& r) { return r.raised == row->raised && r.kind == alarm.key.kind; });
    if (!belongs) reader.refuse("tlrNotifyAlarmKind is another alarm's");
    alarm.key.drive.text = reader.text(NotifyObject::drive, 0, serial_length_max);
    alarm.key.agent = reader.text(NotifyObject::agent, 0, name_length_max);
    alarm.severity = static_cast<agent::core::Severity>(reader.enumeration(
        NotifyObject::severity, 1, static_cast<int>(agent::core::Severity::critical)));
    alarm.raised_at = reader.time(NotifyObject::raised_at);
    alarm.text = reader.text(NotifyObject::text, 0, alarm_text_length_max);
    const agent::core::Outcome outcome = reader.finish();
    if (!outcome) return outcome.error();
    return notification;
}

std::vector<Varbind> encode(const TestNotification& notification, TimeTicks up_time) {
    return Writer(Notification::test, up_time)
        .text(NotifyObject::controller, notification.controller)
        .add(NotifyObject::sequence, Unsigned32{notification.sequence})
        .text(NotifyObject::text, bounded_text(notification.text, alarm_text_length_max))
        .take();
}

agent::core::Result<TestNotification> decode_test(std::span<const Varbind> varbinds) {
    VarbindReader reader(varbinds);
    if (reader.notification() != Notification::test) reader.refuse("not tlrTest");
    TestNotification notification;
    notification.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    notification.sequence = reader.unsigned32(NotifyObject::sequence);
    notification.text = reader.text(NotifyObject::text, 0, alarm_text_length_max);
    const agent::core::Outcome outcome = reader.finish();
    if (!outcome) return outcome.error();
    return notification;
}

std::vector<Varbind> encode(const HeartbeatNotification& notification, TimeTicks up_time) {
    return Writer(Notification::heartbeat, up_time)
        .text(NotifyObject::controller, notification.controller)
        .add(NotifyObject::sequence, Unsigned32{notification.sequence})
        .add(NotifyObject::active_alarms, Unsigned32{notification.active_alarms})
        .add(NotifyObject::interval, Unsigned32{notification.interval_s})
        .text(NotifyObject::text, bounded_text(notification.text, alarm_text_length_max))
        .take();
}

agent::core::Result<HeartbeatNotification> decode_heartbeat(std::span<const Varbind> varbinds) {
    VarbindReader reader(varbinds);
    if (reader.notification() != Notification::heartbeat) reader.refuse("not tlrHeartbeat");
    HeartbeatNotification notification;
    notification.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    notification.sequence = reader.unsigned32(NotifyObject::sequence);
    notification.active_alarms = reader.unsigned32(NotifyObject::active_alarms);
    notification.interval_s = reader.unsigned32(NotifyObject::interval);
    notification.text = reader.text(NotifyObject::text, 0, alarm_text_length_max);
    const agent::core::Outcome outcome = reader.finish();
    if (!outcome) return outcome.error();
    return notification;
}

std::vector<Varbind> encode(const RoleNotification& notification, TimeTicks up_time) {
    return Writer(Notification::pair_role_changed, up_time)
        .text(NotifyObject::controller, notification.controller)
        .add(NotifyObject::sequence, Unsigned32{notification.sequence})
        .add(NotifyObject::pair_state, Integer32{notification.state})
        .add(NotifyObject::pair_epoch, Counter64{notification.epoch})
        .text(NotifyObject::text, bounded_text(notification.text, alarm_text_length_max))
        .take();
}

agent::core::Result<RoleNotification> decode_role(std::span<const Varbind> varbinds) {
    VarbindReader reader(varbinds);
    if (reader.notification() != Notification::pair_role_changed)
        reader.refuse("not tlrPairRoleChanged");
    RoleNotification notification;
    notification.controller = reader.text(NotifyObject::controller, 1, name_length_max);
    notification.sequence = reader.unsigned32(NotifyObject::sequence);
    notification.state = reader.enumeration(NotifyObject::pair_state, 1, pair_state_wire_max);
    notification.epoch = reader.counter64(NotifyObject::pair_epoch);
    notification.text = reader.text(NotifyObject::text, 0, alarm_text_length_max);
    const agent::core::Outcome outcome = reader.finish();
    if (!outcome) return outcome.error();
    return notification;
}

}  // namespace snmp_mib
