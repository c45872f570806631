#include "snmp_mib/mib_rows.hpp"

#include <algorithm>

#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/varbind_reader.hpp"

namespace snmp_mib {

namespace {

// Of serials where two names share an index, so that an OID stays below 128 sub-identifiers.
constexpr std::size_t joint_serial_length_max = 32;
constexpr std::size_t admin_string_max = 255;

template <typename Enumeration>
Integer32 from_one(Enumeration value) {
    return {static_cast<std::int32_t>(value) + 1};
}

OctetString text(std::string_view value, std::size_t most = admin_string_max) {
    return {bounded_text(value, most)};
}

Integer32 truth(bool value) {
    return {value ? 1 : 2};
}  // TruthValue, RFC 2579

OctetString time_or_empty(agent::core::WallTime at) {
    return {at.ms > 0 ? utc_text(at) : ""};
}

OctetString notice_id(const agent::core::NoticeId& id) {
    std::string bytes;
    for (const std::uint64_t number : {id.epoch, id.sequence}) {
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes += static_cast<char>(number >> shift & 0xffU);
    }
    return {bytes};
}

// A length, then a sub-identifier per octet.
void append_text(Oid& index, const std::string& value) {
    index.push_back(static_cast<std::uint32_t>(value.size()));
    for (const char c : value)
        index.push_back(static_cast<unsigned char>(c));
}

std::string holders_of(const agent::core::Reservation& reservation) {
    std::string list;
    std::size_t listed = 0;
    for (const agent::core::InitiatorPort& port : reservation.holders) {
        const std::string one = agent::core::to_text(port);
        if (listed++ == holders_max || list.size() + one.size() + 1 > holders_length_max) break;
        if (!list.empty()) list += ' ';
        list += one;
    }
    return list;
}

// As a gauge holds it: what is more is as bad.
std::uint32_t kibibytes(std::uint64_t bytes) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / 1'024, 0xffff'ffff));
}

std::uint64_t lost_by(const std::vector<ConsumerStatus>& consumers) {
    std::uint64_t lost = 0;
    for (const ConsumerStatus& consumer : consumers)
        lost += consumer.lost;
    return lost;
}

std::vector<VarbindValue> scalars_of(const MibSnapshot& snapshot) {
    const MibScalars& scalars = snapshot.scalars;
    return {text(scalars.controller),
            text(scalars.version),
            time_or_empty(scalars.started_at),
            Counter64{scalars.epoch},
            Counter64{scalars.reservation_changes},
            Counter64{scalars.notices_sent},
            Counter64{scalars.confirmations_received},
            Counter64{scalars.handshakes_incomplete},
            Counter64{scalars.drives_forced_offline},
            Counter64{scalars.messages_refused},
            Unsigned32{static_cast<std::uint32_t>(snapshot.alarms.size())},
            Counter64{scalars.notifications_sent},
            Counter64{lost_by(snapshot.consumers)},
            Counter64{scalars.drive_changes_by_snmp},
            text(snapshot.pair.name, name_length_max),
            Integer32{snapshot.pair.state},
            Counter64{snapshot.pair.epoch},
            truth(snapshot.pair.acts),
            truth(snapshot.pair.peer_heard),
            Integer32{snapshot.pair.copy},
            Unsigned32{kibibytes(snapshot.pair.lag)}};
}

MibRow row_of(const MibPairMember& member) {
    MibRow row;
    append_text(row.index, member.name);
    row.columns = {Integer32{member.voter ? 2 : 1},
                   truth(member.heard),
                   time_or_empty(member.last_heard),
                   Integer32{member.state},
                   Counter64{member.epoch},
                   truth(member.registered),
                   text(member.vote)};
    return row;
}

MibRow row_of(const MibDrive& drive) {
    const agent::core::DriveRecord& record = drive.view.record;
    const bool online = drive.view.operational_state() == agent::core::OperationalState::online;
    const std::string& why =
        drive.view.operational_state() == agent::core::OperationalState::unreachable
            ? drive.view.unreachable_why
            : record.offline_reason;
    const agent::core::OperationalState wanted = record.operational_state;
    MibRow row;
    append_text(row.index, record.drive.text);
    row.columns = {
        text(drive.vendor),
        text(drive.product),
        Integer32{drive.element_address ? *drive.element_address : -1},
        truth(drive.view.shared),
        from_one(drive.view.operational_state()),
        text(online ? "" : why),
        from_one(record.reservation.state),
        from_one(record.reservation.kind),
        from_one(record.evidence),
        OctetString{holders_of(record.reservation)},
        text(drive.view.holder_domain, name_length_max),
        time_or_empty(record.since),
        Counter64{record.newest_notice ? record.newest_notice->sequence : 0},
        Integer32{wanted == agent::core::OperationalState::online ? 1 : 2},
        text(wanted == agent::core::OperationalState::online ? "" : record.offline_reason)};
    return row;
}

MibRow row_of(const MibAgent& agent) {
    const agent::core::AgentRecord& record = agent.view.record;
    MibRow row;
    append_text(row.index, record.agent);
    row.columns = {text(agent.address),
                   from_one(record.state),
                   text(agent.view.domain, name_length_max),
                   time_or_empty(agent.view.last_seen.value_or(agent::core::WallTime{})),
                   Counter64{record.incarnation},
                   Counter64{record.missed}};
    return row;
}

MibRow row_of(const agent::core::HandshakeView& handshake) {
    MibRow row;
    append_text(row.index, handshake.drive.text);
    append_text(row.index, handshake.agent);
    const std::int64_t waiting = std::clamp<std::int64_t>(handshake.waiting.ms, 0, 0xffff'ffff);
    row.columns = {notice_id(handshake.newest),
                   notice_id(handshake.oldest_unconfirmed),
                   Unsigned32{static_cast<std::uint32_t>(waiting)},
                   Unsigned32{handshake.attempts},
                   truth(handshake.received),
                   text(handshake.last_answer)};
    return row;
}

MibRow row_of(const MibEvent& event) {
    MibRow row;
    row.index = {event.index};
    row.columns = {time_or_empty(event.record.at),
                   Integer32{static_cast<std::int32_t>(event.record.severity)},
                   text(event.record.message),
                   text(event.record.drive.text, serial_length_max),
                   text(event.record.agent, name_length_max),
                   text(event.record.text)};
    return row;
}

MibRow row_of(const agent::core::Alarm& alarm) {
    MibRow row;
    row.index = {static_cast<std::uint32_t>(alarm.key.kind)};
    append_text(row.index, alarm.key.drive.text);
    append_text(row.index, alarm.key.agent);
    row.columns = {Integer32{static_cast<std::int32_t>(alarm.severity)},
                   time_or_empty(alarm.raised_at), text(alarm.text)};
    return row;
}

MibRow row_of(const ConsumerStatus& consumer) {
    MibRow row;
    append_text(row.index, consumer.address);
    row.columns = {from_one(consumer.version),
                   from_one(consumer.delivery),
                   Unsigned32{static_cast<std::uint32_t>(consumer.queued)},
                   Counter64{consumer.delivered},
                   Counter64{consumer.lost},
                   Counter64{consumer.resent},
                   time_or_empty(consumer.last_delivered),
                   text(consumer.trouble)};
    return row;
}

bool fits(const std::string& value, std::size_t least, std::size_t most) {
    return value.size() >= least && value.size() <= most;
}

}  // namespace

const std::array<MibTableShape, mib_table_count>& mib_tables() {
    static const std::array<MibTableShape, mib_table_count> tables{
        MibTableShape{oids::Table::drive, "drives", 2, 16, {true}},
        MibTableShape{oids::Table::agent, "agents", 2, 7, {true}},
        MibTableShape{oids::Table::handshake, "handshakes", 3, 8, {true, true}},
        MibTableShape{oids::Table::event, "events", 2, 7, {false}},
        MibTableShape{oids::Table::alarm, "alarms", 4, 6, {false, true, true}},
        MibTableShape{oids::Table::consumer, "consumers", 2, 9, {true}},
        MibTableShape{oids::Table::pair, "pair", 2, 8, {true}},
    };
    return tables;
}

std::span<const oids::Scalar> fed_scalars() {
    using enum oids::Scalar;
    static constexpr std::array scalars{controller,
                                        version,
                                        started_at,
                                        epoch,
                                        reservation_changes,
                                        notices_sent,
                                        confirmations_received,
                                        handshakes_incomplete,
                                        drives_forced_offline,
                                        messages_refused,
                                        active_alarms,
                                        notifications_sent,
                                        notifications_lost,
                                        drive_changes_by_snmp,
                                        pair_name,
                                        pair_state,
                                        pair_epoch,
                                        pair_acts,
                                        pair_peer_heard,
                                        pair_copy,
                                        pair_lag};
    return scalars;
}

MibRows rows_of(const MibSnapshot& snapshot) {
    MibRows rows;
    rows.scalars = scalars_of(snapshot);
    auto& [drives, agents, handshakes, events, alarms, consumers, members] = rows.tables;
    for (const MibDrive& drive : snapshot.drives) {
        if (fits(drive.view.record.drive.text, 1, serial_length_max))
            drives.push_back(row_of(drive));
    }
    for (const MibAgent& agent : snapshot.agents) {
        if (fits(agent.view.record.agent, 1, name_length_max)) agents.push_back(row_of(agent));
    }
    for (const agent::core::HandshakeView& handshake : snapshot.handshakes) {
        if (fits(handshake.drive.text, 1, joint_serial_length_max) &&
            fits(handshake.agent, 1, name_length_max)) {
            handshakes.push_back(row_of(handshake));
        }
    }
    const std::size_t skip =
        snapshot.events.size() - std::min(snapshot.events.size(), mib_events_max);
    for (std::size_t i = skip; i < snapshot.events.size(); ++i) {
        if (snapshot.events[i].index != 0) events.push_back(row_of(snapshot.events[i]));
    }
    for (const agent::core::Alarm& alarm : snapshot.alarms) {
        if (fits(alarm.key.drive.text, 0, joint_serial_length_max) &&
            fits(alarm.key.agent, 0, name_length_max)) {
            alarms.push_back(row_of(alarm));
        }
    }
    for (const ConsumerStatus& consumer : snapshot.consumers) {
        if (fits(consumer.address, 1, name_length_max)) consumers.push_back(row_of(consumer));
    }
    for (const MibPairMember& member : snapshot.pair.members) {
        if (fits(member.name, 1, name_length_max)) members.push_back(row_of(member));
    }
    return rows;
}

}  // namespace snmp_mib
