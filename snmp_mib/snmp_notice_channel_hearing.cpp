// Who may say what: a message that is authenticated and encrypted, on its way to the handler.

#include <string>
#include <variant>
#include <vector>

#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/pair_line.hpp"
#include "snmp_mib/snmp_notice_channel_parts.hpp"

namespace snmp_mib {

namespace {

// The name that a message says its sender has, and whom it is for.
struct Names {
    const std::string* from = nullptr;
    const std::string* to = nullptr;  // null: it is the same for every agent
};
struct NamesOf {
    Names operator()(const ReservationNotice& message) const {
        return {&message.notice.controller, nullptr};
    }
    Names operator()(const NoticeConfirmation& message) const {
        return {&message.confirmation.agent, &message.confirmation.controller};
    }
    Names operator()(const AgentStartedMessage& message) const {
        return {&message.presence.agent, &message.presence.controller};
    }
    Names operator()(const AgentStoppingMessage& message) const {
        return {&message.presence.agent, &message.presence.controller};
    }
    Names operator()(const HolderInquiryMessage& message) const {
        return {&message.inquiry.controller, nullptr};
    }
    Names operator()(const HolderStatementMessage& message) const {
        return {&message.statement.agent, &message.statement.controller};
    }
};

bool taken_by(ChannelRole role, const AgentMessage& message) {
    const bool from_controller = std::holds_alternative<ReservationNotice>(message) ||
                                 std::holds_alternative<HolderInquiryMessage>(message);
    return from_controller == (role == ChannelRole::agent);
}

}  // namespace

// Authenticated and encrypted by a user that we know. Is it a peer's, well-formed, in its own name,
// and for us?
bool SnmpNoticeChannel::Parts::receive(const ReceivedMessage& received,
                                       const asio::ip::address& from) {
    const std::string& user = received.user();
    const auto peers = peers_of_user.find(user);
    if (peers == peers_of_user.end()) {
        if (hints && hints->take_inform(received, from)) return true;
        counters.add(SnmpCount::refused_user_not_a_peer);
        return false;
    }
    if (is_pair_line(received.varbinds())) return receive_pair_line(peers->second, received);
    const agent::core::Result<AgentMessage> message = decode(received.varbinds());
    if (!message) {
        counters.add(SnmpCount::refused_content);
        return false;
    }
    if (!taken_by(configuration.role, *message)) {
        counters.add(SnmpCount::refused_role);
        return false;
    }
    const Names names = std::visit(NamesOf{}, *message);
    const std::string& name = *names.from;
    bool name_is_theirs = false;
    for (const PeerConfiguration* peer : peers->second) {
        name_is_theirs =
            name_is_theirs || (peer->name == name && peer->conversation != Conversation::pair);
    }
    if (!name_is_theirs || (names.to != nullptr && !configuration.own_name.empty() &&
                            *names.to != configuration.own_name)) {
        counters.add(SnmpCount::refused_name);
        return false;
    }
    counters.add(SnmpCount::messages_delivered);
    on_message(name, *message);
    return true;
}

// The same for what nodes and agents of a pair say: the line's own words are judged by whoever
// hears it, who said it is known here.
bool SnmpNoticeChannel::Parts::receive_pair_line(const std::vector<const PeerConfiguration*>& peers,
                                                 const ReceivedMessage& received) {
    const agent::core::Result<PairLine> line = decode_pair_line(received.varbinds());
    if (!line) {
        counters.add(SnmpCount::refused_content);
        return false;
    }
    bool may_say_it = false;
    bool name_is_theirs = false;
    for (const PeerConfiguration* peer : peers) {
        if (peer->name != line->sender) continue;
        name_is_theirs = true;
        may_say_it = peer->conversation != Conversation::reservations;
    }
    if (!name_is_theirs || line->receiver != configuration.own_name) {
        counters.add(SnmpCount::refused_name);
        return false;
    }
    if (!may_say_it || !on_pair_line) {
        counters.add(SnmpCount::refused_role);
        return false;
    }
    if (!on_pair_line(line->sender, line->line)) {
        counters.add(SnmpCount::refused_content);
        return false;
    }
    counters.add(SnmpCount::messages_delivered);
    return true;
}

}  // namespace snmp_mib
