// What comes back to the sender's sockets: Responses, and Reports that say why there is none.

#include <algorithm>
#include <asio/socket_base.hpp>
#include <utility>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/message_sender.hpp"
#include "snmp_mib/message_sender_state.hpp"

namespace snmp_mib {

namespace {

constexpr int answer_buffer_wanted = 1 << 20;
constexpr std::size_t answers_per_turn = 256;        // then others on the loop get their turn
constexpr std::size_t answers_waiting_max = 16'384;  // many times what the buffer holds

std::string reason_text(oids::UsmReport reason) {
    switch (reason) {
        case oids::UsmReport::unsupported_security_level:
            return "it refuses the security level (authentication and encryption) for our user";
        case oids::UsmReport::not_in_time_window:
            return "it says that our idea of its clock is wrong";
        case oids::UsmReport::unknown_user_name:
            return "it does not know our user name";
        case oids::UsmReport::unknown_engine_id:
            return "it has another engine ID";
        case oids::UsmReport::wrong_digest:
            return "it has another authentication key for our user";
        case oids::UsmReport::decryption_error:
            return "it has another privacy key for our user";
    }
    return "";
}

}  // namespace

MessageSender::Line* MessageSender::line_for(const Destination& destination) {
    const bool v6 = destination.endpoint->address().is_v6();
    const std::size_t family = v6 ? 1 : 0;
    std::optional<Line>& line = lines_.at((destination.is_proven() ? 0U : 2U) + family);
    if (line) return &*line;
    if (Line* opened = open_line(line, v6)) return opened;
    // No descriptor is left: the other kind's line is better than none.
    std::optional<Line>& other = lines_.at((destination.is_proven() ? 2U : 0U) + family);
    return other ? &*other : nullptr;
}

MessageSender::Line* MessageSender::open_line(std::optional<Line>& line, bool v6) {
    asio::error_code error;
    asio::ip::udp::socket socket(loop_);
    socket.open(v6 ? asio::ip::udp::v6() : asio::ip::udp::v4(), error);
    if (!error) {
        asio::error_code not_numeric;
        const asio::ip::address source = asio::ip::make_address(settings_.bind_host, not_numeric);
        if (!not_numeric && source.is_v6() == v6 && !source.is_unspecified()) {
            socket.bind({source, 0}, error);
        }
    }
    if (!error) socket.non_blocking(true, error);
    if (error) return nullptr;
    asio::error_code ignored;  // the kernel caps it; the window works with its default too
    socket.set_option(asio::socket_base::receive_buffer_size(answer_buffer_wanted), ignored);
    line.emplace(Line{std::move(socket), {}});
    wait_for_answers(*line);
    return &*line;
}

void MessageSender::wait_for_answers(Line& line) {
    line.socket.async_wait(
        asio::ip::udp::socket::wait_read,
        [this, alive = std::weak_ptr<int>(alive_), &line](const asio::error_code& error) {
            if (error || alive.expired()) return;
            read_answers(line, answers_per_turn);
            pump();
            flush();
            wait_for_answers(line);
        });
}

void MessageSender::read_answers(Line& line, std::size_t most) {
    reading_ = true;
    for (std::size_t left = most; left > 0;) {
        const std::size_t count = incoming_.read(line.socket, left);
        for (std::size_t i = 0; i < count; ++i)
            on_datagram(incoming_.bytes(i), incoming_.from(i));
        if (count < datagrams_read_at_once) break;
        left -= count;
    }
    reading_ = false;
}

// Of all lines. After a stall there may be as many as the sockets hold.
void MessageSender::read_all_answers() {
    for (auto& line : lines_) {
        if (line) read_answers(*line, answers_waiting_max);
    }
}

// Nothing is decoded unless it answers, by number and address, something that we have asked.
void MessageSender::on_datagram(std::span<const std::uint8_t> datagram,
                                const asio::ip::udp::endpoint& from) {
    const Envelope envelope = envelope_of(datagram);
    const auto* v2c = std::get_if<V2cEnvelope>(&envelope);
    const auto* v3 = std::get_if<V3Envelope>(&envelope);
    const std::int32_t id = v3 != nullptr ? v3->message_id : v2c != nullptr ? v2c->request_id : 0;
    const auto found = outstanding_.find(id);
    if (found == outstanding_.end() || found->second.endpoint != from) {
        counters_.add(SnmpCount::answers_unexpected);
        return;
    }
    const auto where = destinations_.find(found->second.destination);
    if (where == destinations_.end()) return;
    Destination& destination = *where->second;
    if (v3 != nullptr && destination.configuration.user) {
        on_v3_answer(*v3, datagram, found->second, destination);
        return;
    }
    constexpr std::uint8_t response_pdu = 0xa2;
    if (v2c == nullptr || destination.configuration.user || v2c->pdu_type != response_pdu ||
        v2c->community != destination.configuration.community) {
        counters_.add(SnmpCount::answers_unexpected);
        return;
    }
    if (v2c->error_status != 0) {
        destination.trouble =
            "it answers with SNMP error status " + std::to_string(v2c->error_status);
        return;
    }
    destination.answering = true;
    heard_from(destination);
    destination.trouble.clear();
    counters_.add(SnmpCount::messages_acknowledged);
    finish(found->second.message, MessageEnd::acknowledged);
}

// Before the library sees it, since it keeps a record of every engine ID.
bool MessageSender::may_show_engine(const V3Envelope& envelope, Outstanding& outstanding,
                                    const Destination& destination) {
    const std::string& shown = envelope.authoritative_engine_id;
    if (shown == outstanding.engine_id || shown == destination.engine_id) return true;
    if (envelope.authenticated || shown.size() < 5 || shown.size() > 32) return false;
    const bool tried_already = destination.engine_id.empty() || destination.candidate_uses > 0;
    if (shown == destination.candidate && tried_already) return false;
    const auto message = messages_.find(outstanding.message);
    unsigned& claims =
        message == messages_.end() ? outstanding.engine_claims : message->second->engine_claims;
    return claims++ < engine_claims_max;
}

void MessageSender::on_v3_answer(const V3Envelope& envelope, std::span<const std::uint8_t> datagram,
                                 Outstanding& outstanding, Destination& destination) {
    if (!may_show_engine(envelope, outstanding, destination)) {
        counters_.add(SnmpCount::answers_unexpected);
        return;
    }
    ReceivedMessage answer = ReceivedMessage::decode(envelope, datagram);
    if (answer.verdict() == ReceivedMessage::Verdict::not_in_time_window &&
        envelope.authoritative_engine_id == outstanding.engine_id) {
        // The key is right, the number is one that we drew at random for this message, yet the
        // engine's clock is behind what we remember: its state was lost. The library would refuse
        // it for ever.
        counters_.add(SnmpCount::reports_received);
        set_engine_clock(outstanding.engine_id, envelope.engine_boots, envelope.engine_time, true);
        destination.trouble = "its engine boots counter went backwards: the peer lost its state";
        if (const auto message = messages_.find(outstanding.message);
            message != messages_.end() && message->second->clock_corrections++ < 2) {
            prompt(*message->second);
        }
        return;
    }
    if (answer.verdict() == ReceivedMessage::Verdict::accepted &&
        answer.command() == ReceivedMessage::Command::report) {
        counters_.add(SnmpCount::reports_received);
        on_report(envelope, answer, outstanding, destination);
        return;
    }
    const bool ours = answer.authenticated_and_encrypted() &&
                      answer.command() == ReceivedMessage::Command::response &&
                      outstanding.message != 0 && answer.engine_id() == outstanding.engine_id &&
                      answer.user() == destination.configuration.user->name &&
                      answer.request_id() == envelope.message_id;
    if (!ours) {
        counters_.add(SnmpCount::answers_unexpected);
        return;
    }
    believe_engine(destination, outstanding.engine_id);
    destination.answering = true;
    heard_from(destination);
    if (answer.error_status() != 0) {
        destination.trouble =
            "it answers with SNMP error status " + std::to_string(answer.error_status());
        return;
    }
    destination.trouble.clear();
    const MessageId message = outstanding.message;
    if (messages_.at(message)->ids.back() != envelope.message_id)
        counters_.add(SnmpCount::answers_late);
    counters_.add(SnmpCount::messages_acknowledged);
    finish(message, MessageEnd::acknowledged);
}

// Anyone who sees a message can forge the Report to it, so a Report alone never ends anything: the
// timer runs on.
void MessageSender::on_report(const V3Envelope& envelope, ReceivedMessage& report,
                              const Outstanding& outstanding, Destination& destination) {
    const std::optional<oids::UsmReport> reason = report.report_reason();
    if (!reason) return;
    if (*reason == oids::UsmReport::unknown_engine_id) {
        on_new_engine(envelope, destination);
        return;
    }
    if (*reason == oids::UsmReport::not_in_time_window) {
        // Authenticated, so the library has set its clock for that engine: say it again at once.
        if (!report.authenticated()) return;
        if (const auto message = messages_.find(outstanding.message);
            message != messages_.end() && message->second->clock_corrections++ < 2) {
            prompt(*message->second);
        }
        return;
    }
    const std::string trouble = reason_text(*reason);
    if (destination.trouble == trouble) return;
    destination.trouble = trouble;
    on_event_(
        {SenderEvent::Kind::rejected, destination.name, envelope.authoritative_engine_id, trouble});
}

void MessageSender::on_new_engine(const V3Envelope& envelope, Destination& destination) {
    const std::string& claimed = envelope.authoritative_engine_id;
    if (claimed.size() < 5 || claimed == destination.engine_id) return;
    if (!destination.configuration.fixed_engine_id.empty()) {
        const std::string trouble =
            "another engine answers in its place: " + to_hexadecimal(claimed);
        if (destination.trouble == trouble) return;
        destination.trouble = trouble;
        on_event_({SenderEvent::Kind::engine_refused, destination.name, claimed, trouble});
        return;
    }
    const std::string doubt = doubt_about(claimed, destination);
    if (!doubt.empty()) {
        if (std::exchange(destination.trouble, doubt) == doubt) return;
        on_event_({SenderEvent::Kind::engine_refused, destination.name, claimed, doubt});
        return;
    }
    destination.candidate = claimed;
    destination.candidate_uses = destination.engine_id.empty() ? 0 : candidate_tries;
    forget_other_engines(destination);
    const agent::core::Outcome known = destination.know_engine(claimed, settings_.own_engine_id);
    if (!known) {
        destination.trouble = known.error().message;
        return;
    }
    for (const MessageId id : destination.active) {
        Message& message = *messages_.at(id);
        if (message.prompts++ < engine_claims_max) prompt(message);
    }
}

// Why this can not be the engine of that destination; empty: it can. What goes to an engine can be
// read and acknowledged there, by whoever has the user.
std::string MessageSender::doubt_about(const std::string& claimed,
                                       const Destination& destination) const {
    if (claimed == settings_.own_engine_id) return "somebody claims our own engine ID in its place";
    const std::string& peer = destination.configuration.peer;
    for (const auto& [name, other] : destinations_) {
        // One that does not answer may have exchanged its address with this one.
        const bool elsewhere = other->answering && other->engine_id == claimed &&
                               !other->configuration.peer.empty() && !peer.empty() &&
                               other->configuration.peer != peer;
        if (elsewhere && other->has_user_of(destination))
            return "somebody claims the engine ID of " + name + " in its place";
    }
    return "";
}

// Users are shared: by the addresses of one host, by hosts of one kind.
bool MessageSender::is_shared(const Destination& destination, const std::string& engine) const {
    return std::any_of(destinations_.begin(), destinations_.end(), [&](const auto& entry) {
        const Destination* other = entry.second.get();
        return other != nullptr && other != &destination && other->has_user_of(destination) &&
               (other->engines_with_user.contains(engine) || other->engine_id == engine);
    });
}

void MessageSender::forget_engine(const Destination& destination, const std::string& engine) {
    if (engine == settings_.own_engine_id || is_shared(destination, engine)) return;
    remove_user(destination.configuration.user->name, engine);
}

void MessageSender::forget_engines(Destination& destination) {
    for (const std::string& engine : destination.engines_with_user)
        forget_engine(destination, engine);
    destination.engines_with_user.clear();
}

// Only two engines are worth a place in the user list.
void MessageSender::forget_other_engines(Destination& destination) {
    std::erase_if(destination.engines_with_user, [&](const std::string& engine) {
        const bool keep = engine == destination.engine_id || engine == destination.candidate ||
                          engine == settings_.own_engine_id;
        if (!keep) forget_engine(destination, engine);
        return !keep;
    });
}

void MessageSender::believe_engine(Destination& destination, const std::string& engine_id) {
    if (destination.engine_id == engine_id) return;
    const bool first = destination.engine_id.empty();
    const std::string before = destination.engine_id;
    destination.engine_id = engine_id;
    destination.candidate.clear();
    destination.candidate_uses = 0;
    forget_other_engines(destination);
    if (!first) counters_.add(SnmpCount::peer_engine_changes);
    on_event_({first ? SenderEvent::Kind::engine_learnt : SenderEvent::Kind::engine_changed,
               destination.name, engine_id,
               first ? "engine ID " + to_hexadecimal(engine_id)
                     : "engine ID changed from " + to_hexadecimal(before) + " to " +
                           to_hexadecimal(engine_id)});
}

// Says it again at once; what was not said yet will be anyway.
void MessageSender::prompt(Message& message) {
    if (!message.due) return;
    message.prompted = message.attempts > 0 && message.delivery == Delivery::inform;
    make_due(message, Clock::now());
}

void MessageSender::resend_now(Destination& destination) {
    for (const MessageId id : destination.active) {
        Message& message = *messages_.at(id);
        if (message.due) make_due(message, Clock::now());
    }
}

}  // namespace snmp_mib
