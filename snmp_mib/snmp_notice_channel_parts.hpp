#pragma once

// What the channel consists of; private to snmp_notice_channel*.cpp.

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "snmp_mib/consumer_notifier.hpp"
#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/library_hints.hpp"
#include "snmp_mib/message_receiver.hpp"
#include "snmp_mib/message_sender.hpp"
#include "snmp_mib/snmp_notice_channel.hpp"
#include "snmp_mib/usm_users.hpp"
#include "snmp_mib/varbind_ber.hpp"

namespace snmp_mib {

class SnmpNoticeChannel::Parts {
  public:
    using Clock = std::chrono::steady_clock;
    using Users = std::map<std::string, UsmUserKeys>;

    Parts(asio::io_context& event_loop, SnmpChannelConfiguration settings,
          AgentMessageHandler message_handler, SnmpEventHandler event_handler)
        : loop(event_loop),
          configuration(std::move(settings)),
          on_message(std::move(message_handler)),
          on_event(std::move(event_handler)),
          keep_timer(event_loop) {}
    ~Parts() {
        if (learnt) static_cast<void>(learnt->keep());  // else they are asked for again
    }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    agent::core::Outcome start();
    agent::core::Outcome set_peers(const std::vector<PeerConfiguration>& peers);
    void refresh_allow_list();
    void resolve_for_stranger();
    bool receive(const ReceivedMessage& message, const asio::ip::address& from);
    bool receive_pair_line(const std::vector<const PeerConfiguration*>& peers,
                           const ReceivedMessage& message);
    void report(const SenderEvent& event);
    agent::core::Outcome keep_engines();
    void library_line(const std::string& line);
    SharedBody body_of(const AgentMessage& message);
    void index_peers();
    [[nodiscard]] TimeTicks up_time() const {
        const auto passed =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_at);
        return {static_cast<std::uint32_t>(passed.count() / 10)};
    }

    asio::io_context& loop;
    SnmpChannelConfiguration configuration;
    AgentMessageHandler on_message;
    SnmpEventHandler on_event;
    PairLineHandler on_pair_line;
    Clock::time_point started_at = Clock::now();
    SnmpCounters counters;
    EngineIdentity identity;
    std::optional<LearntEngines> learnt;
    Users users;
    std::map<std::string, std::vector<const PeerConfiguration*>, std::less<>>
        peers_of_user;  // into configuration
    struct Said {
        AgentMessage message;
        TimeTicks at;
        SharedBody body;
    };
    std::optional<Said> said;  // the newest: a notice goes to many, one after the other
    std::unique_ptr<MessageSender> sender;
    std::unique_ptr<MessageReceiver> receiver;
    std::unique_ptr<ConsumerNotifier> consumers;
    std::shared_ptr<LibraryHints> hints;
    ConsumersConfiguration consumers_configuration;
    unsigned library_lines = 0;
    Clock::time_point library_minute = Clock::now();
    Clock::time_point strangers_not_before = Clock::time_point::min();
    asio::steady_timer keep_timer;
    bool keep_later = false;
    std::shared_ptr<int> alive =
        std::make_shared<int>(0);  // handlers that outlive us find it expired
};

}  // namespace snmp_mib
