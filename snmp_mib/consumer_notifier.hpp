#pragma once

// Alarms to SNMP consumers: each has its own bounded queue in the sender, so a dead one delays
// nobody.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/result.hpp"
#include "snmp_mib/consumer_status.hpp"
#include "snmp_mib/message_sender.hpp"
#include "snmp_mib/snmp_configuration.hpp"
#include "snmp_mib/usm_users.hpp"

namespace snmp_mib {

class ConsumerNotifier {
  public:
    // Both outlive this; `up_time` is read when a notification is made.
    ConsumerNotifier(MessageSender& sender, std::function<TimeTicks()> up_time);

    // `users` are the channel's, by name. On error nothing has changed.
    [[nodiscard]] static agent::core::Outcome check(
        const ConsumersConfiguration& configuration,
        const std::map<std::string, UsmUserKeys>& users);
    agent::core::Outcome configure(ConsumersConfiguration configuration,
                                   const std::map<std::string, UsmUserKeys>& users);
    void announce(const agent::core::Alarm& alarm, bool active);
    void announce_test(const std::string& text);
    // `state` as TlrNodeState of the MIB module has it.
    void announce_role(std::int32_t state, std::uint64_t epoch, const std::string& text);
    void announce_heartbeat(std::size_t active_alarms, std::uint32_t interval_s);
    [[nodiscard]] std::uint32_t sequence() const { return sequence_; }
    [[nodiscard]] std::vector<ConsumerStatus> status() const;

  private:
    struct Tally {
        std::uint64_t delivered = 0;
        std::uint64_t lost = 0;
        agent::core::WallTime last_delivered;
    };
    void send(std::vector<Varbind> varbinds);

    MessageSender& sender_;
    std::function<TimeTicks()> up_time_;
    ConsumersConfiguration configuration_;
    std::map<std::string, std::shared_ptr<Tally>> tallies_;  // shared with messages on their way
    std::uint32_t sequence_ = 0;
};

}  // namespace snmp_mib
