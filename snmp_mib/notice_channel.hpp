#pragma once

// The network, as both kinds of agent see it: authenticated notifications between named peers.
// Behind it: SNMPv3 informs over UDP (snmp_notice_channel.hpp) and, in the simulator, a lossy
// network in memory.

#include <functional>
#include <string>
#include <variant>

#include "agent/core/alarm.hpp"
#include "agent/core/holder_question.hpp"
#include "agent/core/notice.hpp"

namespace snmp_mib {

// What agents say to each other. TAPE-LIBRARY-RESERVATION-MIB has one notification type for each.
struct ReservationNotice {
    agent::core::Notice notice;
    bool operator==(const ReservationNotice&) const = default;
};
struct NoticeConfirmation {
    agent::core::Confirmation confirmation;
    bool operator==(const NoticeConfirmation&) const = default;
};
struct AgentStartedMessage {
    agent::core::AgentPresence presence;
    bool operator==(const AgentStartedMessage&) const = default;
};
struct AgentStoppingMessage {
    agent::core::AgentPresence presence;
    bool operator==(const AgentStoppingMessage&) const = default;
};
// "Does your host hold this drive?", from a controller, and the answer. The same question may ask
// to release the drive (core::HolderRequest::release).
struct HolderInquiryMessage {
    agent::core::HolderInquiry inquiry;
    bool operator==(const HolderInquiryMessage&) const = default;
};
struct HolderStatementMessage {
    agent::core::HolderStatement statement;
    bool operator==(const HolderStatementMessage&) const = default;
};
using AgentMessage =
    std::variant<ReservationNotice, NoticeConfirmation, AgentStartedMessage, AgentStoppingMessage,
                 HolderInquiryMessage, HolderStatementMessage>;

class NoticeChannel {
  public:
    virtual ~NoticeChannel() = default;

    // Sends to a configured peer (an agent's name at the controller, a controller's name at an
    // agent) and keeps sending with back-off until its engine acknowledges, a later message with
    // the same `replaces` key takes its place, stop_sending() is called or its attempts are spent.
    // Returns at once. An unknown peer is counted and dropped. `on_acknowledged` is called at most
    // once, from the event loop: received by the peer's engine, not yet processed.
    virtual void send(const std::string& peer, const std::string& replaces,
                      const AgentMessage& message, std::function<void()> on_acknowledged) = 0;
    virtual void stop_sending(const std::string& peer, const std::string& replaces) = 0;
};

// Called from the event loop for each message that is authenticated, encrypted as configured,
// well-formed, and says the name that belongs to its SNMPv3 user. Duplicates do arrive.
using AgentMessageHandler =
    std::function<void(const std::string& peer, const AgentMessage& message)>;

}  // namespace snmp_mib
