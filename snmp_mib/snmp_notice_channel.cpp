#include "snmp_mib/snmp_notice_channel.hpp"

#include <chrono>
#include <set>
#include <utility>

#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "snmp_mib/snmp_notice_channel_parts.hpp"
#include "snmp_mib/udp_address.hpp"
#include "snmp_mib/varbind_reader.hpp"

namespace snmp_mib {

namespace {

// At most this many lines of the SNMP library per minute reach the operator; the rest is counted.
constexpr unsigned library_lines_per_minute = 5;
// Whoever sends garbage has the names of all peers resolved at most this often.
constexpr std::chrono::seconds stranger_interval{10};
constexpr std::chrono::seconds keep_interval{1};

using Users = std::map<std::string, UsmUserKeys>;

agent::core::Result<Users> load_users(const std::vector<UsmUserConfiguration>& configured) {
    Users users;
    for (const UsmUserConfiguration& user : configured) {
        agent::core::Result<UsmUserKeys> keys = load_user(user);
        if (!keys) return keys.error();
        if (!users.emplace(user.name, std::move(keys).value()).second) {
            return agent::core::Error{"SNMP user \"" + user.name + "\" is listed twice"};
        }
    }
    return users;
}

agent::core::Result<std::string> engine_id_from(const std::string& text, const std::string& whose) {
    if (text.empty()) return std::string();
    const std::optional<std::string> bytes = from_hexadecimal(text);
    if (!bytes || bytes->size() < 5 || bytes->size() > 32) {
        return agent::core::Error{"engine ID of " + whose +
                                  ": expected 5 to 32 bytes in hexadecimal, not \"" + text + "\""};
    }
    return *bytes;
}

agent::core::Outcome check_peers(const std::vector<PeerConfiguration>& peers, const Users& users) {
    std::set<std::string> names;
    for (const PeerConfiguration& peer : peers) {
        const std::string who = "SNMP peer \"" + peer.name + "\"";
        if (peer.name.empty() || peer.name.size() > name_length_max ||
            peer.name.find(' ') != std::string::npos) {
            return agent::core::Error{who + ": a name has 1 to 64 bytes and no blank"};
        }
        if (!names.insert(peer.name).second) return agent::core::Error{who + " is listed twice"};
        const agent::core::Result<UdpAddress> address = udp_address_from_text(peer.address);
        if (!address) return address.error().within(who);
        if (address->port == 0 || address->host.empty()) {
            return agent::core::Error{who + ": \"" + peer.address + "\" needs a host and a port"};
        }
        if (!peer.path_of.empty() && !names.contains(peer.path_of))
            return agent::core::Error{who + " is a path to nobody"};
        if (!users.contains(peer.user)) {
            return agent::core::Error{who + ": user \"" + peer.user + "\" is not in snmp.users"};
        }
        const agent::core::Result<std::string> engine = engine_id_from(peer.engine_id, who);
        if (!engine) return engine.error();
    }
    return agent::core::Nothing{};
}

}  // namespace

agent::core::Outcome SnmpNoticeChannel::Parts::start() {
    const agent::core::Result<std::string> configured_engine =
        engine_id_from(configuration.engine_id, "this agent");
    if (!configured_engine) return configured_engine.error();
    agent::core::Result<Users> loaded = load_users(configuration.users);
    if (!loaded) return loaded.error();
    users = std::move(loaded).value();
    if (const auto checked = check_peers(configuration.peers, users); !checked)
        return checked.error();

    agent::core::Result<EngineIdentity> next =
        next_engine_identity(configuration.state_dir, *configured_engine);
    if (!next) return next.error();
    identity = *next;
    agent::core::Result<LearntEngines> known = LearntEngines::load(configuration.state_dir);
    if (!known) return known.error();
    learnt = std::move(known).value();

    const auto prepared =
        prepare_snmp_library({"lra", configuration.state_dir, identity,
                              [this](const std::string& line) { library_line(line); }});
    if (!prepared) return prepared.error();
    if (const auto started = start_snmp_library(); !started) return started.error();
    for (const auto& [name, keys] : users) {
        if (const auto added = add_user(keys, identity.engine_id); !added) return added.error();
    }

    const agent::core::Result<UdpAddress> listen = udp_address_from_text(configuration.listen);
    if (!listen) return listen.error().within("snmp.listen");
    sender = std::make_unique<MessageSender>(
        loop,
        SenderSettings{configuration.informs_unanswered_max, configuration.first_resend_ms,
                       configuration.resend_max_ms, identity.engine_id, listen->host},
        counters, [this](const SenderEvent& event) { report(event); });
    consumers = std::make_unique<ConsumerNotifier>(*sender, [this] { return up_time(); });
    if (const auto set = set_peers(configuration.peers); !set) return set.error();
    auto opened = MessageReceiver::open(
        loop, configuration.listen, identity.engine_id, counters,
        [this](const ReceivedMessage& message, const asio::ip::address& from) {
            return receive(message, from);
        });
    if (!opened) return opened.error().within("snmp.listen");
    receiver = std::move(opened).value();
    // It may be a peer that has moved and has something to say before we have.
    receiver->when_a_stranger_speaks([this] { resolve_for_stranger(); });
    refresh_allow_list();
    return agent::core::Nothing{};
}

void SnmpNoticeChannel::Parts::index_peers() {
    peers_of_user.clear();
    for (const PeerConfiguration& peer : configuration.peers)
        peers_of_user[peer.user].push_back(&peer);
}

SharedBody SnmpNoticeChannel::Parts::body_of(const AgentMessage& message) {
    const TimeTicks now = up_time();
    if (!said || said->at != now || said->message != message)
        said = Said{message, now, notification_body(encode(message, now))};
    return said->body;
}

agent::core::Outcome SnmpNoticeChannel::Parts::set_peers(
    const std::vector<PeerConfiguration>& peers) {
    index_peers();
    for (const PeerConfiguration& peer : peers) {
        DestinationConfiguration destination;
        destination.address = peer.address;
        destination.peer = peer.path_of.empty() ? peer.name : peer.path_of;
        destination.user = users.at(peer.user);
        destination.fixed_engine_id = *engine_id_from(peer.engine_id, peer.name);
        destination.known_engine_id = learnt->find(peer.name).value_or("");
        destination.messages_max = configuration.messages_per_peer_max;
        destination.attempts_max = configuration.attempts_max;
        if (const auto set = sender->set_destination(peer.name, std::move(destination)); !set)
            return set.error();
    }
    return agent::core::Nothing{};
}

void SnmpNoticeChannel::Parts::refresh_allow_list() {
    std::set<asio::ip::address> sources;
    std::set<std::string> engines;
    for (const PeerConfiguration& peer : configuration.peers) {
        sources.merge(sender->addresses_of(peer.name));
        const std::string engine = sender->status(peer.name).engine_id;
        if (!engine.empty()) engines.insert(engine);
    }
    if (hints) sources.merge(hints->addresses_of_v3());
    if (receiver) receiver->allow(std::move(sources), std::move(engines));
}

void SnmpNoticeChannel::Parts::resolve_for_stranger() {
    const Clock::time_point now = Clock::now();
    if (now < strangers_not_before) return;
    strangers_not_before = now + stranger_interval;
    sender->resolve_again();
}

void SnmpNoticeChannel::Parts::report(const SenderEvent& event) {
    SnmpEvent told;
    told.peer = event.destination;
    told.text = event.destination + ": " + event.text;
    switch (event.kind) {
        case SenderEvent::Kind::engine_learnt:
            told.kind = SnmpEvent::Kind::peer_engine_learnt;
            break;
        case SenderEvent::Kind::engine_changed:
            told.kind = SnmpEvent::Kind::peer_engine_changed;
            break;
        case SenderEvent::Kind::engine_refused:
            told.kind = SnmpEvent::Kind::peer_engine_refused;
            break;
        case SenderEvent::Kind::rejected:
            told.kind = SnmpEvent::Kind::peer_rejects_us;
            break;
        case SenderEvent::Kind::unresolved:
            told.kind = SnmpEvent::Kind::peer_unresolved;
            break;
        case SenderEvent::Kind::address_known:
            refresh_allow_list();
            if (event.text.empty()) return;
            told.kind = SnmpEvent::Kind::peer_moved;
            break;
    }
    if (event.kind == SenderEvent::Kind::engine_changed) refresh_allow_list();
    if (event.kind == SenderEvent::Kind::engine_learnt && receiver)
        receiver->allow_engine(event.engine_id);
    if (event.kind == SenderEvent::Kind::engine_learnt ||
        event.kind == SenderEvent::Kind::engine_changed) {
        learnt->remember(event.destination, event.engine_id);
        const agent::core::Outcome kept = keep_engines();
        if (!kept) told.text += " (not kept over a restart: " + kept.error().message + ")";
    }
    if (on_event) on_event(told);
}

// The first one at once, those that follow together: a thousand hosts are not a thousand syncs.
agent::core::Outcome SnmpNoticeChannel::Parts::keep_engines() {
    if (keep_later) return agent::core::Nothing{};
    keep_later = true;
    keep_timer.expires_after(keep_interval);
    keep_timer.async_wait([this, here = std::weak_ptr<int>(alive)](const asio::error_code& error) {
        if (error || here.expired()) return;
        keep_later = false;
        const agent::core::Outcome kept = learnt->keep();
        if (!kept && on_event) {
            on_event({SnmpEvent::Kind::peer_engine_learnt, "",
                      "engine IDs of peers are not kept over a restart: " + kept.error().message});
        }
    });
    return learnt->keep();
}

void SnmpNoticeChannel::Parts::library_line(const std::string& line) {
    counters.add(SnmpCount::library_messages);
    const Clock::time_point now = Clock::now();
    if (now - library_minute > std::chrono::minutes(1)) {
        library_minute = now;
        library_lines = 0;
    }
    if (++library_lines > library_lines_per_minute) {
        counters.add(SnmpCount::library_messages_suppressed);
        return;
    }
    if (on_event) {
        on_event(
            {SnmpEvent::Kind::library_message, "", "SNMP library: " + bounded_text(line, 200)});
    }
}

// ---- public face
// ----------------------------------------------------------------------------------------------------

agent::core::Result<std::unique_ptr<SnmpNoticeChannel>> SnmpNoticeChannel::open(
    asio::io_context& loop, SnmpChannelConfiguration configuration, AgentMessageHandler on_message,
    SnmpEventHandler on_event) {
    auto parts = std::make_unique<Parts>(loop, std::move(configuration), std::move(on_message),
                                         std::move(on_event));
    if (const agent::core::Outcome started = parts->start(); !started) return started.error();
    return std::unique_ptr<SnmpNoticeChannel>(new SnmpNoticeChannel(std::move(parts)));
}

SnmpNoticeChannel::SnmpNoticeChannel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SnmpNoticeChannel::~SnmpNoticeChannel() = default;

void SnmpNoticeChannel::send(const std::string& peer, const std::string& replaces,
                             const AgentMessage& message, std::function<void()> on_acknowledged) {
    if (!parts_->sender->has(peer)) {
        parts_->counters.add(SnmpCount::messages_unknown_peer);
        return;
    }
    const bool notice = std::holds_alternative<ReservationNotice>(message);
    const Delivery delivery = notice ? parts_->configuration.delivery : Delivery::inform;
    parts_->sender->submit(peer, replaces, parts_->body_of(message), delivery,
                           [on_acknowledged = std::move(on_acknowledged)](MessageEnd end) {
                               if (end == MessageEnd::acknowledged && on_acknowledged)
                                   on_acknowledged();
                           });
}

void SnmpNoticeChannel::stop_sending(const std::string& peer, const std::string& replaces) {
    parts_->sender->stop(peer, replaces);
}

void SnmpNoticeChannel::hear_in_turns(std::function<bool()> end_turn) {
    parts_->receiver->take_in_turns(std::move(end_turn));
}

bool SnmpNoticeChannel::is_hearing() const {
    return parts_->receiver->is_in_turn();
}

void SnmpNoticeChannel::hear_what_arrived() {
    parts_->receiver->read_all();
}

void SnmpNoticeChannel::hear_pair(PairLineHandler on_line) {
    parts_->on_pair_line = std::move(on_line);
}

void SnmpNoticeChannel::say_to_pair(const std::string& peer, const std::string& replaces,
                                    const std::string& line, std::uint32_t attempts,
                                    std::function<void()> on_acknowledged) {
    if (line.size() > pair_line_length_max) {
        parts_->counters.add(SnmpCount::messages_not_queued);
        return;
    }
    bool is_known = false;
    const PairLine said{parts_->configuration.own_name, peer, line};
    const SharedBody body = notification_body(encode(said, parts_->up_time()));
    const auto once = std::make_shared<std::function<void()>>(std::move(on_acknowledged));
    for (const PeerConfiguration& path : parts_->configuration.peers) {
        if (path.name != peer && path.path_of != peer) continue;
        is_known = true;
        parts_->sender->submit(
            path.name, replaces, body, Delivery::inform,
            [once](MessageEnd end) {
                if (end != MessageEnd::acknowledged || !*once) return;
                std::exchange(*once, nullptr)();
            },
            attempts);
    }
    if (!is_known) parts_->counters.add(SnmpCount::messages_unknown_peer);
}

agent::core::Outcome SnmpNoticeChannel::set_consumers(ConsumersConfiguration configuration) {
    agent::core::Outcome set = parts_->consumers->configure(configuration, parts_->users);
    if (set) parts_->consumers_configuration = std::move(configuration);
    return set;
}

agent::core::Outcome SnmpNoticeChannel::set_hints(
    const std::vector<HintSourceConfiguration>& sources, LibraryHintHandler on_hint) {
    auto hints = LibraryHints::from(sources, parts_->users, parts_->counters, std::move(on_hint));
    if (!hints) return hints.error();
    parts_->hints = std::make_shared<LibraryHints>(std::move(hints).value());
    parts_->receiver->let_overhear([hints = parts_->hints](std::span<const std::uint8_t> datagram,
                                                           const asio::ip::address& from) {
        return hints->take(datagram, from);
    });
    parts_->refresh_allow_list();
    return agent::core::Nothing{};
}

void SnmpNoticeChannel::announce(const agent::core::Alarm& alarm, bool active) {
    parts_->consumers->announce(alarm, active);
}

void SnmpNoticeChannel::announce_test(const std::string& text) {
    parts_->consumers->announce_test(text);
}

void SnmpNoticeChannel::announce_role(std::int32_t state, std::uint64_t epoch,
                                      const std::string& text) {
    parts_->consumers->announce_role(state, epoch, text);
}

void SnmpNoticeChannel::announce_heartbeat(std::size_t active_alarms, std::uint32_t interval_s) {
    parts_->consumers->announce_heartbeat(active_alarms, interval_s);
}

std::uint32_t SnmpNoticeChannel::notification_sequence() const {
    return parts_->consumers->sequence();
}

agent::core::Outcome SnmpNoticeChannel::reconfigure(
    std::vector<PeerConfiguration> peers, std::vector<UsmUserConfiguration> users,
    std::optional<ConsumersConfiguration> consumers) {
    if (!consumers) consumers = parts_->consumers_configuration;
    agent::core::Result<Users> loaded = load_users(users);
    if (!loaded) return loaded.error();
    if (const auto checked = check_peers(peers, *loaded); !checked) return checked.error();
    if (const auto checked = ConsumerNotifier::check(*consumers, *loaded); !checked)
        return checked.error();
    for (const auto& [name, keys] : parts_->users) {
        if (!loaded->contains(name)) remove_user(name, parts_->identity.engine_id);
    }
    parts_->users = std::move(loaded).value();
    for (const auto& [name, keys] : parts_->users) {
        if (const auto added = add_user(keys, parts_->identity.engine_id); !added)
            return added.error();
    }
    for (const PeerConfiguration& old : parts_->configuration.peers) {
        bool stays = false;
        for (const PeerConfiguration& peer : peers) {
            stays = stays || (peer.name == old.name && peer.user == old.user);
        }
        if (!stays) parts_->sender->remove_destination(old.name);
    }
    parts_->configuration.peers = std::move(peers);
    parts_->configuration.users = std::move(users);
    agent::core::Outcome set = parts_->set_peers(parts_->configuration.peers);
    parts_->refresh_allow_list();
    if (!set) return set;
    return set_consumers(std::move(*consumers));
}

std::uint16_t SnmpNoticeChannel::listen_port() const {
    return parts_->receiver->port();
}

std::string SnmpNoticeChannel::engine_id() const {
    return to_hexadecimal(parts_->identity.engine_id);
}

std::uint32_t SnmpNoticeChannel::engine_boots() const {
    return parts_->identity.boots;
}

const SnmpCounters& SnmpNoticeChannel::counters() const {
    return parts_->counters;
}

std::vector<PeerStatus> SnmpNoticeChannel::peers() const {
    std::vector<PeerStatus> result;
    for (const PeerConfiguration& peer : parts_->configuration.peers) {
        MessageSender::Status status = parts_->sender->status(peer.name);
        result.push_back({peer.name, peer.address, to_hexadecimal(status.engine_id),
                          status.answering, status.waiting, std::move(status.trouble),
                          peer.conversation});
    }
    return result;
}

std::vector<ConsumerStatus> SnmpNoticeChannel::consumers() const {
    return parts_->consumers->status();
}

}  // namespace snmp_mib
