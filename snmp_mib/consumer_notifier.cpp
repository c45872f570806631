#include "snmp_mib/consumer_notifier.hpp"

#include <chrono>
#include <set>
#include <utility>

#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/udp_address.hpp"

namespace snmp_mib {

namespace {

constexpr std::size_t unanswered_per_consumer = 8;

// Names of consumers share the sender's table with names of peers, which hold no blank.
std::string destination_of(const ConsumerConfiguration& consumer) {
    return "consumer " + consumer.address;
}

agent::core::WallTime wall_time_now() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count()};
}

agent::core::Result<DestinationConfiguration> destination_for(
    const ConsumersConfiguration& all, const ConsumerConfiguration& consumer,
    const std::map<std::string, UsmUserKeys>& users) {
    const std::string who = "SNMP consumer " + consumer.address;
    DestinationConfiguration destination;
    destination.address = consumer.address;
    destination.messages_max = all.queue_max;
    destination.unanswered_max = unanswered_per_consumer;
    destination.attempts_max = consumer.delivery == Delivery::trap ? 1 : all.attempts_max;
    destination.drop_oldest = true;
    const agent::core::Result<UdpAddress> address = udp_address_from_text(consumer.address);
    if (!address) return address.error().within(who);
    if (address->port == 0 || address->host.empty())
        return agent::core::Error{who + ": needs a host and a port"};
    if (consumer.version == ConsumerVersion::v3) {
        const auto user = users.find(consumer.user);
        if (user == users.end()) {
            return agent::core::Error{who + ": user \"" + consumer.user +
                                      "\" is not in snmp.users"};
        }
        destination.user = user->second;
        return destination;
    }
    if (!consumer.allow_insecure) {
        return agent::core::Error{
            who +
            ": version 2c sends its community and the alarms in clear text; use version 3, "
            "or say \"allow_insecure\": true"};
    }
    if (consumer.community.empty())
        return agent::core::Error{who + ": version 2c needs a community"};
    destination.community = consumer.community;
    return destination;
}

using Destinations = std::map<std::string, DestinationConfiguration>;

agent::core::Result<Destinations> destinations_of(const ConsumersConfiguration& configuration,
                                                  const std::map<std::string, UsmUserKeys>& users) {
    Destinations wanted;
    for (const ConsumerConfiguration& consumer : configuration.consumers) {
        agent::core::Result<DestinationConfiguration> destination =
            destination_for(configuration, consumer, users);
        if (!destination) return destination.error();
        if (!wanted.emplace(destination_of(consumer), std::move(destination).value()).second) {
            return agent::core::Error{"SNMP consumer " + consumer.address + " is listed twice"};
        }
    }
    return wanted;
}

}  // namespace

ConsumerNotifier::ConsumerNotifier(MessageSender& sender, std::function<TimeTicks()> up_time)
    : sender_(sender), up_time_(std::move(up_time)) {}

agent::core::Outcome ConsumerNotifier::check(const ConsumersConfiguration& configuration,
                                             const std::map<std::string, UsmUserKeys>& users) {
    const auto wanted = destinations_of(configuration, users);
    if (!wanted) return wanted.error();
    return agent::core::Nothing{};
}

agent::core::Outcome ConsumerNotifier::configure(ConsumersConfiguration configuration,
                                                 const std::map<std::string, UsmUserKeys>& users) {
    auto found = destinations_of(configuration, users);
    if (!found) return found.error();
    Destinations wanted = std::move(found).value();
    for (const ConsumerConfiguration& old : configuration_.consumers) {
        if (!wanted.contains(destination_of(old))) {
            sender_.remove_destination(destination_of(old));
            tallies_.erase(old.address);
        }
    }
    for (auto& [name, destination] : wanted) {
        const agent::core::Outcome set = sender_.set_destination(name, std::move(destination));
        if (!set) return set.error();
    }
    configuration_ = std::move(configuration);
    for (const ConsumerConfiguration& consumer : configuration_.consumers) {
        std::shared_ptr<Tally>& tally = tallies_[consumer.address];
        if (tally == nullptr) tally = std::make_shared<Tally>();
    }
    return agent::core::Nothing{};
}

void ConsumerNotifier::announce(const agent::core::Alarm& alarm, bool active) {
    send(encode(AlarmNotification{configuration_.controller, ++sequence_, active, alarm},
                up_time_()));
}

void ConsumerNotifier::announce_test(const std::string& text) {
    send(encode(TestNotification{configuration_.controller, ++sequence_, text}, up_time_()));
}

void ConsumerNotifier::announce_role(std::int32_t state, std::uint64_t epoch,
                                     const std::string& text) {
    send(encode(RoleNotification{configuration_.controller, ++sequence_, state, epoch, text},
                up_time_()));
}

void ConsumerNotifier::announce_heartbeat(std::size_t active_alarms, std::uint32_t interval_s) {
    const std::string text = active_alarms == 0 ? "alive, no alarm is active"
                             : active_alarms == 1
                                 ? "alive, 1 alarm is active"
                                 : "alive, " + std::to_string(active_alarms) + " alarms are active";
    send(encode(HeartbeatNotification{configuration_.controller, ++sequence_,
                                      static_cast<std::uint32_t>(active_alarms), interval_s, text},
                up_time_()));
}

void ConsumerNotifier::send(std::vector<Varbind> varbinds) {
    const SharedBody body = notification_body(std::move(varbinds));
    for (const ConsumerConfiguration& consumer : configuration_.consumers) {
        sender_.submit(destination_of(consumer), "", body, consumer.delivery,
                       [tally = tallies_.at(consumer.address)](MessageEnd end) {
                           const bool arrived =
                               end == MessageEnd::acknowledged || end == MessageEnd::sent;
                           ++(arrived ? tally->delivered : tally->lost);
                           if (arrived) tally->last_delivered = wall_time_now();
                       });
    }
}

std::vector<ConsumerStatus> ConsumerNotifier::status() const {
    std::vector<ConsumerStatus> result;
    for (const ConsumerConfiguration& consumer : configuration_.consumers) {
        const Tally& tally = *tallies_.at(consumer.address);
        MessageSender::Status now = sender_.status(destination_of(consumer));
        result.push_back({consumer.address, consumer.version, consumer.delivery, now.waiting,
                          tally.delivered, tally.lost, now.resent, tally.last_delivered,
                          std::move(now.trouble)});
    }
    return result;
}

}  // namespace snmp_mib
