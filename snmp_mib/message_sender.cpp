#include "snmp_mib/message_sender.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "snmp_mib/message_sender_state.hpp"
#include "snmp_mib/udp_address.hpp"

namespace snmp_mib {

using std::chrono::milliseconds;

namespace {
// A dead peer keeps its place in the window this long; many round trips on any local network.
constexpr milliseconds slot_time_max{50};
// Room in the socket was not enough; it will be in a moment.
constexpr milliseconds send_again{5};
constexpr std::size_t datagrams_unsent_max = 2 * datagrams_at_once;
constexpr milliseconds resolve_not_within{10'000};
// Heard of within this time: most likely still there.
constexpr milliseconds heard_lately{1'000};
// Transmissions of a message in vain, after which its destination may have moved.
constexpr std::uint32_t attempts_before_resolving = 2;
}  // namespace

MessageSender::MessageSender(asio::io_context& loop, SenderSettings settings,
                             SnmpCounters& counters,
                             std::function<void(const SenderEvent&)> on_event)
    : loop_(loop),
      settings_(std::move(settings)),
      counters_(counters),
      on_event_(std::move(on_event)),
      resolver_(loop),
      timer_(loop),
      random_(std::random_device{}()),
      alive_(std::make_shared<int>(0)) {}

MessageSender::~MessageSender() {
    flush();
}

// ---- destinations
// ---------------------------------------------------------------------------------------------------

agent::core::Outcome MessageSender::set_destination(const std::string& name,
                                                    DestinationConfiguration configuration) {
    const agent::core::Result<UdpAddress> address = udp_address_from_text(configuration.address);
    if (!address) return address.error();
    if (address->port == 0 || address->host.empty()) {
        return agent::core::Error{"\"" + configuration.address +
                                  "\": a destination needs a host and a port"};
    }
    std::unique_ptr<Destination>& slot = destinations_[name];
    // Before its user's name is forgotten, and which engines know it.
    const bool same_address =
        slot != nullptr && slot->configuration.address == configuration.address;
    const bool same_user = slot != nullptr && slot->configuration.user && configuration.user &&
                           slot->configuration.user->name == configuration.user->name;
    if (slot != nullptr && !(same_address && same_user)) forget_engines(*slot);
    if (same_address) {
        if (configuration.known_engine_id.empty()) configuration.known_engine_id = slot->engine_id;
        for (const std::string& engine : slot->engines_with_user) {
            if (configuration.user && engine != settings_.own_engine_id) {
                const agent::core::Outcome added = add_user(*configuration.user, engine);
                if (!added) return added.error();
            }
        }
        slot->configuration = std::move(configuration);
        slot->resolve_not_before = Clock::time_point::min();
        if (slot->has_name) resolve(*slot);
        const std::string& fixed = slot->configuration.fixed_engine_id;
        if (!fixed.empty() && fixed != slot->engine_id) {
            slot->engine_id = fixed;
            slot->candidate.clear();
            slot->candidate_uses = 0;
        }
        if (slot->engine_id.empty() || !slot->configuration.user) return agent::core::Nothing{};
        return slot->know_engine(slot->engine_id, settings_.own_engine_id);
    }
    std::unique_ptr<Destination> fresh = std::make_unique<Destination>();
    fresh->name = name;
    fresh->configuration = std::move(configuration);
    if (slot != nullptr) {  // another address: what waits moves on with it
        fresh->waiting = slot->waiting;
        fresh->active = slot->active;
        fresh->by_key = slot->by_key;
        fresh->places = slot->places;
        fresh->parked = slot->parked;
    }
    slot = std::move(fresh);
    Destination& destination = *slot;
    const std::string& engine = destination.configuration.fixed_engine_id.empty()
                                    ? destination.configuration.known_engine_id
                                    : destination.configuration.fixed_engine_id;
    if (!engine.empty() && destination.configuration.user) {
        destination.engine_id = engine;
        const agent::core::Outcome added = destination.know_engine(engine, settings_.own_engine_id);
        if (!added) return added.error();
    }
    asio::error_code error;
    const asio::ip::address numeric = asio::ip::make_address(address->host, error);
    if (!error) {
        destination.endpoint = asio::ip::udp::endpoint(numeric, address->port);
        destination.addresses = {numeric};
    } else {
        destination.has_name = true;
        resolve(destination);
    }
    return agent::core::Nothing{};
}

void MessageSender::remove_destination(const std::string& name) {
    const auto found = destinations_.find(name);
    if (found == destinations_.end()) return;
    std::vector<MessageId> ids(found->second->waiting.begin(), found->second->waiting.end());
    ids.insert(ids.end(), found->second->active.begin(), found->second->active.end());
    for (const MessageId id : ids)
        finish(id, MessageEnd::dropped);
    forget_engines(*found->second);
    std::erase_if(outstanding_,
                  [&](const auto& entry) { return entry.second.destination == name; });
    destinations_.erase(found);
}

void MessageSender::resolve(Destination& destination) {
    if (destination.resolving || Clock::now() < destination.resolve_not_before) return;
    destination.resolving = true;
    destination.resolve_not_before = Clock::now() + resolve_not_within;
    const UdpAddress address = udp_address_from_text(destination.configuration.address).value();
    resolver_.async_resolve(
        address.host, std::to_string(address.port),
        [this, alive = std::weak_ptr<int>(alive_), name = destination.name,
         text = destination.configuration.address](const asio::error_code& error,
                                                   const auto& results) {
            if (alive.expired()) return;
            const auto found = destinations_.find(name);
            if (found == destinations_.end() || found->second->configuration.address != text)
                return;
            std::vector<asio::ip::udp::endpoint> endpoints;
            if (!error) {
                for (const auto& result : results)
                    endpoints.push_back(result.endpoint());
            }
            resolved(*found->second, endpoints);
        });
}

void MessageSender::resolve_again() {
    for (const auto& [name, destination] : destinations_) {
        if (destination->has_name) resolve(*destination);
    }
}

void MessageSender::resolved(Destination& destination,
                             const std::vector<asio::ip::udp::endpoint>& endpoints) {
    destination.resolving = false;
    if (endpoints.empty()) {
        if (destination.endpoint) return;  // the address that is known may still be right
        destination.trouble = "its name has no address now: " + destination.configuration.address;
        on_event_({SenderEvent::Kind::unresolved, destination.name, "", destination.trouble});
        return;
    }
    std::set<asio::ip::address> addresses;
    for (const auto& endpoint : endpoints)
        addresses.insert(endpoint.address());
    // Of several addresses any will do: the one in use stays.
    const bool stays = destination.endpoint && addresses.contains(destination.endpoint->address());
    if (stays && addresses == destination.addresses) return;
    destination.addresses = std::move(addresses);
    std::string moved;
    if (destination.endpoint && !stays) {
        moved = destination.configuration.address + " has another address now, " +
                endpoints.front().address().to_string();
    }
    if (!stays) destination.endpoint = endpoints.front();
    if (!stays) destination.trouble.clear();
    on_event_({SenderEvent::Kind::address_known, destination.name, "", moved});
    if (!stays) resend_now(destination);
}

std::set<asio::ip::address> MessageSender::addresses_of(const std::string& name) const {
    const auto found = destinations_.find(name);
    if (found == destinations_.end()) return {};
    return found->second->addresses;
}

MessageSender::Status MessageSender::status(const std::string& name) const {
    const auto found = destinations_.find(name);
    if (found == destinations_.end()) return {};
    const Destination& destination = *found->second;
    return {destination.engine_id, destination.answering,
            destination.waiting.size() + destination.active.size(), destination.trouble,
            destination.resent};
}

// ---- messages
// -------------------------------------------------------------------------------------------------------

void MessageSender::submit(const std::string& destination_name, const std::string& key,
                           SharedBody body, Delivery delivery, OnEnd on_end,
                           std::uint32_t attempts_max) {
    const auto found = destinations_.find(destination_name);
    if (found == destinations_.end()) {
        post_end(std::move(on_end), MessageEnd::dropped);
        return;
    }
    Destination& destination = *found->second;
    if (!key.empty()) {
        if (const auto older = destination.by_key.find(key); older != destination.by_key.end()) {
            counters_.add(SnmpCount::messages_superseded);
            finish(older->second, MessageEnd::superseded);
        }
    }
    if (destination.waiting.size() + destination.active.size() >=
        destination.configuration.messages_max) {
        counters_.add(SnmpCount::messages_not_queued);
        if (!destination.configuration.drop_oldest || destination.waiting.empty()) {
            post_end(std::move(on_end), MessageEnd::dropped);
            return;
        }
        finish(destination.waiting.front(), MessageEnd::dropped);
    }
    auto message = std::make_unique<Message>();
    message->id = next_message_++;
    message->destination = destination_name;
    message->key = key;
    message->body = std::move(body);
    message->delivery = delivery;
    message->attempts_max =
        attempts_max == 0 ? destination.configuration.attempts_max : attempts_max;
    message->on_end = std::move(on_end);
    if (!key.empty()) destination.by_key[key] = message->id;
    destination.waiting.push_back(message->id);
    messages_[message->id] = std::move(message);
    activate(destination);
    pump();
}

void MessageSender::stop(const std::string& destination, const std::string& key) {
    const auto found = destinations_.find(destination);
    if (found == destinations_.end()) return;
    const auto message = found->second->by_key.find(key);
    if (message != found->second->by_key.end()) finish(message->second, MessageEnd::stopped);
    pump();
}

// Moves waiting messages to the front line while the destination has places.
void MessageSender::activate(Destination& destination) {
    while (!destination.waiting.empty() &&
           destination.active.size() < destination.configuration.unanswered_max) {
        const MessageId id = destination.waiting.front();
        destination.waiting.pop_front();
        destination.active.insert(id);
        make_due(*messages_.at(id), Clock::now());
    }
}

void MessageSender::make_due(Message& message, Clock::time_point at) {
    if (message.due) due_.erase({*message.due, message.id});
    message.due = at;
    due_.insert({at, message.id});
}

void MessageSender::finish(MessageId id, MessageEnd end) {
    const auto found = messages_.find(id);
    if (found == messages_.end()) return;
    const std::unique_ptr<Message> message = std::move(found->second);
    messages_.erase(found);
    if (message->due) due_.erase({*message->due, id});
    forget_ids(*message);
    if (const auto where = destinations_.find(message->destination); where != destinations_.end()) {
        Destination& destination = *where->second;
        release_place(*message, destination);
        if (destination.places == 0) unpark(destination);
        destination.active.erase(id);
        std::erase(destination.waiting, id);
        if (const auto keyed = destination.by_key.find(message->key);
            keyed != destination.by_key.end() && keyed->second == id) {
            destination.by_key.erase(keyed);
        }
        if (end == MessageEnd::given_up) {
            destination.answering = false;
            if (destination.trouble.empty()) destination.trouble = "it does not answer";
        }
        if (end != MessageEnd::dropped) activate(destination);
    }
    post_end(std::move(message->on_end), end);
}

void MessageSender::post_end(OnEnd on_end, MessageEnd end) {
    if (!on_end) return;
    asio::post(loop_, [alive = std::weak_ptr<int>(alive_), on_end = std::move(on_end), end] {
        if (!alive.expired()) on_end(end);
    });
}

void MessageSender::forget_ids(const Message& message) {
    for (const std::int32_t id : message.ids)
        outstanding_.erase(id);
}

// ---- window and timers
// ----------------------------------------------------------------------------------------------

// A message is to be sent again, or given up, or its destination has not answered in time.
bool MessageSender::is_something_late(Clock::time_point now) const {
    if (!slots_.empty() && slots_.front().first <= now) return true;
    if (due_.empty() || due_.begin()->first > now) return false;
    return messages_.at(due_.begin()->second)->attempts > 0;
}

void MessageSender::pump() {
    if (reading_) return;  // whoever reads goes on when he has read all
    // After a stall: answers that have arrived count first.
    if (is_something_late(Clock::now())) read_all_answers();
    const Clock::time_point now = Clock::now();
    while (!slots_.empty()) {
        const auto found = messages_.find(slots_.front().second);
        if (found != messages_.end() && slots_.front().first > now) break;
        slots_.pop_front();
        if (found == messages_.end() || !found->second->holds_slot) continue;
        Destination& destination = *destinations_.at(found->second->destination);
        release_place(*found->second, destination);
        destination.silent = true;
        unpark(destination);
    }
    while (!due_.empty() && due_.begin()->first <= now) {
        const MessageId id = due_.begin()->second;
        due_.erase(due_.begin());
        messages_.at(id)->due.reset();
        ready_.push_back(id);
    }
    while (!ready_.empty() && slots_taken_ < settings_.unanswered_max) {
        const MessageId id = ready_.front();
        ready_.pop_front();
        const auto found = messages_.find(id);
        if (found == messages_.end()) continue;
        Message& message = *found->second;
        Destination& destination = *destinations_.at(message.destination);
        if (must_wait(message, destination)) {
            destination.parked.push_back(id);
        } else {
            transmit(message);
        }
    }
    arm_timer();
}

bool MessageSender::must_wait(const Message& message, const Destination& destination) {
    const bool needs_place = message.delivery == Delivery::inform && !message.holds_slot;
    return needs_place && destination.places > 0 && !destination.silent &&
           destination.heard_at < Clock::now() - heard_lately;
}

void MessageSender::take_place(Message& message, Destination& destination) {
    if (destination.silent) return;
    slots_.emplace_back(Clock::now() + slot_time_max, message.id);
    if (std::exchange(message.holds_slot, true)) return;
    ++slots_taken_;
    ++destination.places;
}

void MessageSender::release_place(Message& message, Destination& destination) {
    if (!std::exchange(message.holds_slot, false)) return;
    --slots_taken_;
    --destination.places;
}

void MessageSender::heard_from(Destination& destination) {
    destination.heard_at = Clock::now();
    destination.silent = false;
    unpark(destination);
}

void MessageSender::unpark(Destination& destination) {
    ready_.insert(ready_.end(), destination.parked.begin(), destination.parked.end());
    destination.parked.clear();
}

void MessageSender::arm_timer() {
    Clock::time_point next = Clock::time_point::max();
    if (!due_.empty()) next = due_.begin()->first;
    if (!slots_.empty()) next = std::min(next, slots_.front().first);
    if (flush_again_at_) next = std::min(next, *flush_again_at_);
    if (next == Clock::time_point::max() || (timer_armed_ && timer_.expiry() <= next)) return;
    timer_.expires_at(next);
    timer_armed_ = true;
    timer_.async_wait([this, alive = std::weak_ptr<int>(alive_)](const asio::error_code& error) {
        if (error || alive.expired()) return;
        timer_armed_ = false;
        pump();
        flush();
    });
}

MessageSender::Clock::duration MessageSender::back_off(std::uint32_t attempts) {
    std::uint64_t ms = settings_.first_resend_ms;
    for (std::uint32_t i = 1; i < attempts && ms < settings_.resend_max_ms; ++i)
        ms *= 2;
    ms = std::min<std::uint64_t>(ms, settings_.resend_max_ms);
    // A quarter of jitter, so that many lost messages do not come back in step.
    std::uniform_int_distribution<std::uint64_t> jitter(0, ms / 4);
    return milliseconds(ms + jitter(random_));
}

std::int32_t MessageSender::fresh_id() {
    std::uniform_int_distribution<std::int32_t> any(1, 0x7fff'fffe);
    for (;;) {
        const std::int32_t id = any(random_);
        if (!outstanding_.contains(id)) return id;
    }
}

// ---- one transmission
// -----------------------------------------------------------------------------------------------

const std::string& MessageSender::engine_for(const Destination& destination) const {
    const bool candidate = destination.engine_id.empty() || destination.candidate_uses > 0;
    return candidate ? destination.candidate : destination.engine_id;
}

void MessageSender::transmit(Message& message) {
    Destination& destination = *destinations_.at(message.destination);
    const bool prompted = std::exchange(message.prompted, false);
    if (!prompted && message.attempts >= message.attempts_max) {
        counters_.add(SnmpCount::messages_given_up);
        finish(message.id, MessageEnd::given_up);
        return;
    }
    if (!destination.endpoint) {
        resolve(destination);
        ++message.attempts;
        make_due(message, Clock::now() + back_off(message.attempts));
        return;
    }
    if (destination.has_name && message.delivery == Delivery::inform &&
        message.attempts >= attempts_before_resolving)
        resolve(destination);
    const std::int32_t id = fresh_id();
    if (!transmit_inform(message, destination, id)) {
        make_due(message, Clock::now() + send_again);
        message.prompted = prompted;
        return;
    }
    if (!prompted) ++message.attempts;
    if (message.delivery == Delivery::trap) {
        if (message.attempts >= message.attempts_max) {
            finish(message.id, MessageEnd::sent);
            return;
        }
    } else {
        take_place(message, destination);
    }
    make_due(message, Clock::now() + back_off(message.attempts));
}

// The notification itself, or what has to come before it: a question for the engine ID. False: the
// socket is full.
bool MessageSender::transmit_inform(Message& message, Destination& destination, std::int32_t id) {
    if (is_full(destination)) return false;
    const bool v3 = destination.configuration.user.has_value();
    const bool inform = message.delivery == Delivery::inform;
    if (v3 && inform && engine_for(destination).empty()) {
        const Clock::time_point now = Clock::now();
        if (now < destination.probe_not_before) return true;
        agent::core::Result<std::string> probe = encode_discovery(id);
        if (!probe) return false;
        send_datagram(destination, std::move(probe).value());
        destination.probe_not_before = now + milliseconds(settings_.first_resend_ms / 2);
        counters_.add(SnmpCount::probes_sent);
        destination.probes.push_back(id);
        outstanding_[id] = {0, destination.name, *destination.endpoint, ""};
        if (destination.probes.size() > probes_remembered) {
            outstanding_.erase(destination.probes.front());
            destination.probes.pop_front();
        }
        return true;
    }
    const std::string engine =
        v3 ? (inform ? engine_for(destination) : settings_.own_engine_id) : std::string();
    if (destination.candidate_uses > 0) --destination.candidate_uses;
    agent::core::Result<std::string> datagram = encode(message, destination, id, engine);
    if (!datagram) {
        counters_.add(SnmpCount::send_failed);
        destination.trouble = datagram.error().message;
        return true;
    }
    send_datagram(destination, std::move(datagram).value());
    counters_.add(message.transmitted ? SnmpCount::messages_resent : SnmpCount::messages_sent);
    if (message.transmitted) ++destination.resent;
    message.transmitted = true;
    if (inform) {
        message.ids.push_back(id);
        outstanding_[id] = {message.id, destination.name, *destination.endpoint, engine};
    }
    return true;
}

agent::core::Result<std::string> MessageSender::encode(const Message& message,
                                                       Destination& destination, std::int32_t id,
                                                       const std::string& engine) {
    const bool inform = message.delivery == Delivery::inform;
    const std::optional<UsmUserKeys>& user = destination.configuration.user;
    if (!user) {
        return encode_message(V2cNotification{inform, id, destination.configuration.community},
                              message.body->varbinds);
    }
    const V3Notification header{inform, id, id, engine, user->name};
    agent::core::Result<std::string> datagram = encode_message(header, *message.body);
    if (datagram || find_user(user->name, engine) != nullptr) return datagram;
    if (const auto added = add_user(*user, engine); !added) return added.error();
    if (engine != settings_.own_engine_id) destination.engines_with_user.insert(engine);
    return encode_message(header, *message.body);
}

bool MessageSender::is_full(const Destination& destination) {
    const Line* line = line_for(destination);
    return line != nullptr && line->outgoing.size() >= datagrams_unsent_max;
}

void MessageSender::send_datagram(Destination& destination, std::string datagram) {
    Line* line = line_for(destination);
    if (line == nullptr) {
        counters_.add(SnmpCount::send_failed);  // retried like a lost datagram
        return;
    }
    line->outgoing.add(std::move(datagram), *destination.endpoint, destination.name);
    if (line->outgoing.size() >= datagrams_at_once) flush(*line);
    if (std::exchange(flush_posted_, true)) return;
    // Whoever tells one host tells the next one at once: they go together.
    asio::post(loop_, [this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        flush_posted_ = false;
        flush();
    });
}

void MessageSender::flush() {
    flush_again_at_.reset();
    for (auto& line : lines_) {
        if (line) flush(*line);
    }
}

void MessageSender::flush(Line& line) {
    const auto refused = [this](const std::string& whose, const asio::error_code& error) {
        counters_.add(SnmpCount::send_failed);  // retried like a lost datagram
        const auto found = destinations_.find(whose);
        if (found == destinations_.end()) return;
        found->second->trouble =
            "can not send to " + found->second->configuration.address + ": " + error.message();
    };
    if (line.outgoing.flush(line.socket, refused)) return;
    flush_again_at_ = Clock::now() + send_again;
    arm_timer();
}

}  // namespace snmp_mib
