#include "snmp_mib/message_receiver.hpp"

#include <algorithm>
#include <utility>

#include "snmp_mib/udp_address.hpp"

namespace snmp_mib {

namespace {

constexpr int receive_buffer_wanted = 1 << 20;
constexpr std::size_t datagrams_per_turn = 256;
constexpr int turns_at_once_max = 64;      // many times what the receive buffer holds
constexpr double answers_per_second = 50;  // per source, with the key and without
constexpr double answers_at_once = 100;

}  // namespace

agent::core::Result<std::unique_ptr<MessageReceiver>> MessageReceiver::open(
    asio::io_context& loop, const std::string& listen, std::string own_engine_id,
    SnmpCounters& counters, Handler handler) {
    const agent::core::Result<UdpAddress> address = udp_address_from_text(listen);
    if (!address) return address.error();
    asio::error_code error;
    const asio::ip::address host = address->host.empty()
                                       ? asio::ip::address(asio::ip::address_v4::any())
                                       : asio::ip::make_address(address->host, error);
    if (error) {
        return agent::core::Error{"\"" + listen +
                                  "\": to listen an IP address is needed, or * for all"};
    }
    asio::ip::udp::socket socket(loop);
    const asio::ip::udp::endpoint endpoint(host, address->port);
    socket.open(endpoint.protocol(), error);
    if (!error) socket.bind(endpoint, error);
    if (!error) socket.non_blocking(true, error);
    if (error) {
        return agent::core::Error{
            "can not listen on " + listen + ": " + error.message() +
            "; another program may use the port, and ports below 1024 need a privilege"};
    }
    asio::error_code ignored;  // the kernel caps it; senders have a window
    socket.set_option(asio::socket_base::receive_buffer_size(receive_buffer_wanted), ignored);
    std::unique_ptr<MessageReceiver> receiver(new MessageReceiver(
        std::move(socket), std::move(own_engine_id), counters, std::move(handler)));
    receiver->wait();
    return receiver;
}

MessageReceiver::MessageReceiver(asio::ip::udp::socket socket, std::string own_engine_id,
                                 SnmpCounters& counters, Handler handler)
    : socket_(std::move(socket)),
      own_engine_id_(std::move(own_engine_id)),
      counters_(counters),
      handler_(std::move(handler)) {}

void MessageReceiver::allow(std::set<asio::ip::address> sources, std::set<std::string> engine_ids) {
    std::erase_if(sources_, [&](const auto& known) { return !sources.contains(known.first); });
    for (const asio::ip::address& source : sources)
        sources_.try_emplace(source);
    engine_ids_ = std::move(engine_ids);
}

std::uint16_t MessageReceiver::port() const {
    asio::error_code error;
    const asio::ip::udp::endpoint endpoint = socket_.local_endpoint(error);
    return error ? std::uint16_t{0} : endpoint.port();
}

void MessageReceiver::wait() {
    socket_.async_wait(asio::ip::udp::socket::wait_read,
                       [this, alive = std::weak_ptr<int>(alive_)](const asio::error_code& error) {
                           if (error || alive.expired()) return;
                           read_turn();
                           wait();
                       });
}

void MessageReceiver::read_all() {
    if (in_turn_) return;
    for (int turn = 0; turn < turns_at_once_max; ++turn) {
        if (!read_turn()) return;
    }
}

// True: there may be more.
bool MessageReceiver::read_turn() {
    bool is_more = true;
    in_turn_ = true;
    for (std::size_t left = datagrams_per_turn; left > 0 && is_more;) {
        const std::size_t count = incoming_.read(socket_, left);
        for (std::size_t i = 0; i < count; ++i)
            on_datagram(incoming_.bytes(i), incoming_.from(i));
        is_more = count == datagrams_read_at_once;
        left -= count;
    }
    const bool may_acknowledge = !end_turn_ || end_turn_();
    in_turn_ = false;
    if (may_acknowledge) acknowledge();
    acknowledgements_.clear();
    return is_more;
}

// Who is not acknowledged says it again.
void MessageReceiver::acknowledge() {
    std::size_t sent = acknowledgements_.size();
    const auto lost = [&] {
        --sent;
        counters_.add(SnmpCount::send_failed);
    };
    acknowledgements_.flush(socket_, [&](const auto&, const auto&) { lost(); });
    for (std::size_t rest = acknowledgements_.size(); rest > 0; --rest)
        lost();
    for (; sent > 0; --sent)
        counters_.add(SnmpCount::acknowledgements_sent);
}

void MessageReceiver::on_datagram(std::span<const std::uint8_t> datagram,
                                  const asio::ip::udp::endpoint& from) {
    counters_.add(SnmpCount::datagrams_received);
    if (overhearer_) {
        const Overheard overheard = overhearer_(datagram, from.address());
        if (!overheard.answer.empty() && send(overheard.answer, from))
            counters_.add(SnmpCount::acknowledgements_sent);
        if (overheard.taken) return;
    }
    if (!sources_.contains(from.address())) {
        counters_.add(SnmpCount::dropped_source);
        if (stranger_spoke_) stranger_spoke_();
        return;
    }
    const Envelope envelope = envelope_of(datagram);
    if (const auto* none = std::get_if<NoEnvelope>(&envelope)) {
        switch (*none) {
            case NoEnvelope::oversize:
                counters_.add(SnmpCount::dropped_oversize);
                break;
            case NoEnvelope::malformed:
                counters_.add(SnmpCount::dropped_malformed);
                break;
            case NoEnvelope::other_version:
                counters_.add(SnmpCount::dropped_version);
                break;
            case NoEnvelope::other_security_model:
                counters_.add(SnmpCount::dropped_security_model);
                break;
        }
        return;
    }
    const auto* v3 = std::get_if<V3Envelope>(&envelope);
    if (v3 == nullptr) {
        counters_.add(SnmpCount::dropped_version);
        return;
    }
    if (!for_us(*v3, from)) return;
    ReceivedMessage message = ReceivedMessage::decode(*v3, datagram);
    if (message.verdict() != ReceivedMessage::Verdict::accepted) {
        refuse(message, *v3, from);
        return;
    }
    if (!message.authenticated_and_encrypted()) {
        counters_.add(SnmpCount::dropped_security_level);
        return;
    }
    // The receiver is the authority of an inform, the sender that of a trap (RFC 3412 6.5, 7.1.4).
    const bool own_engine = message.engine_id() == own_engine_id_;
    const bool inform = message.command() == ReceivedMessage::Command::inform && own_engine;
    const bool trap = message.command() == ReceivedMessage::Command::trap && !own_engine;
    if (!inform && !trap) {
        counters_.add(SnmpCount::refused_command);
        return;
    }
    // Not acknowledged either: our own resends have a number, and so a signature, of their own.
    const auto signature = datagram.subspan(v3->authentication_at, v3->authentication_length);
    if (replays_.was_taken(message.user(), signature)) {
        counters_.add(SnmpCount::refused_repeated);
        return;
    }
    if (!handler_(message, from.address())) return;
    replays_.take(message.user(), signature, Clock::now());
    if (!inform) return;
    agent::core::Result<std::string> response = message.response();
    if (response) {
        acknowledgements_.add(std::move(response).value(), from, {});
    } else {
        counters_.add(SnmpCount::send_failed);
    }
}

// Everything that must not reach the library's decoder ends here.
bool MessageReceiver::for_us(const V3Envelope& envelope, const asio::ip::udp::endpoint& from) {
    const std::string& engine = envelope.authoritative_engine_id;
    if (engine.empty()) {
        if (may_answer(from.address(), Asked::by_anyone)) {
            if (send(encode_report(oids::UsmReport::unknown_engine_id, envelope.message_id),
                     from)) {
                counters_.add(SnmpCount::discoveries_answered);
            }
        } else {
            counters_.add(SnmpCount::dropped_rate);
        }
        return false;
    }
    const bool trap_of_a_peer = !envelope.reportable && engine_ids_.contains(engine);
    if (engine != own_engine_id_ && !trap_of_a_peer) {
        counters_.add(SnmpCount::dropped_engine);
        explain(oids::UsmReport::unknown_engine_id, envelope, from);
        return false;
    }
    if (!envelope.authenticated || !envelope.encrypted) {
        counters_.add(SnmpCount::dropped_security_level);
        explain(oids::UsmReport::unsupported_security_level, envelope, from);
        return false;
    }
    return true;
}

void MessageReceiver::refuse(ReceivedMessage& message, const V3Envelope& envelope,
                             const asio::ip::udp::endpoint& from) {
    switch (message.verdict()) {
        case ReceivedMessage::Verdict::accepted:
            return;
        case ReceivedMessage::Verdict::unknown_user:
            counters_.add(SnmpCount::refused_unknown_user);
            break;
        case ReceivedMessage::Verdict::wrong_key:
            counters_.add(SnmpCount::refused_wrong_key);
            break;
        case ReceivedMessage::Verdict::not_in_time_window:
            counters_.add(SnmpCount::refused_time_window);
            break;
        case ReceivedMessage::Verdict::unsupported_level:
            counters_.add(SnmpCount::dropped_security_level);
            break;
        case ReceivedMessage::Verdict::unknown_engine:
            counters_.add(SnmpCount::dropped_engine);
            break;
        case ReceivedMessage::Verdict::decryption_failed:
            counters_.add(SnmpCount::refused_decryption);
            break;
        case ReceivedMessage::Verdict::not_parsed:
            counters_.add(SnmpCount::refused_parse);
            return;
    }
    // Who is out of our time window has signed with the key, and gets a Report that we have signed;
    // the others cost nothing but a datagram.
    const Asked asked = message.verdict() == ReceivedMessage::Verdict::not_in_time_window
                            ? Asked::with_the_key
                            : Asked::by_anyone;
    if (!envelope.reportable || !may_answer(from.address(), asked)) return;
    if (send(message.report(), from)) counters_.add(SnmpCount::reports_sent);
}

void MessageReceiver::explain(oids::UsmReport reason, const V3Envelope& envelope,
                              const asio::ip::udp::endpoint& from) {
    if (!envelope.reportable || !may_answer(from.address(), Asked::by_anyone)) return;
    if (send(encode_report(reason, envelope.message_id), from))
        counters_.add(SnmpCount::reports_sent);
}

bool MessageReceiver::may_answer(const asio::ip::address& source, Asked asked) {
    const auto found = sources_.find(source);
    if (found == sources_.end()) return false;
    Allowance& allowance =
        asked == Asked::with_the_key ? found->second.with_the_key : found->second.for_anyone;
    const Clock::time_point now = Clock::now();
    if (allowance.at == Clock::time_point::min()) {
        allowance.answers = answers_at_once;
    } else {
        const std::chrono::duration<double> passed = now - allowance.at;
        allowance.answers =
            std::min(answers_at_once, allowance.answers + passed.count() * answers_per_second);
    }
    allowance.at = now;
    if (allowance.answers < 1) return false;
    allowance.answers -= 1;
    return true;
}

bool MessageReceiver::send(const agent::core::Result<std::string>& datagram,
                           const asio::ip::udp::endpoint& to) {
    asio::error_code error;
    if (datagram) socket_.send_to(asio::buffer(*datagram), to, 0, error);
    if (datagram && !error) return true;
    counters_.add(SnmpCount::send_failed);
    return false;
}

}  // namespace snmp_mib
