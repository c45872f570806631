// One SNMP channel, for tests. Options come as "key value" lines until "start"; afterwards
// commands. Everything that happens is one line on standard output. Ends when standard input does.

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

#include "agent/core/notice.hpp"
#include "snmp_mib/snmp_notice_channel.hpp"

namespace {

using namespace snmp_mib;

void say(const std::string& line) {
    std::cout << line << '\n' << std::flush;
}

std::size_t resident_kilobytes() {
    std::ifstream status("/proc/self/status");
    std::string word;
    std::size_t value = 0;
    while (status >> word) {
        if (word == "VmRSS:") status >> value;
    }
    return value;
}

std::string describe(const AgentMessage& message) {
    if (const auto* notice = std::get_if<ReservationNotice>(&message)) {
        const agent::core::Notice& n = notice->notice;
        return "notice " + n.controller + " " + n.drive.text + " " + std::to_string(n.id.epoch) +
               " " + std::to_string(n.id.sequence) + " " +
               std::to_string(n.reservation.holders.size());
    }
    if (const auto* confirmation = std::get_if<NoticeConfirmation>(&message)) {
        const agent::core::Confirmation& c = confirmation->confirmation;
        return "confirmation " + c.agent + " " + c.drive.text + " " +
               std::to_string(c.id.sequence) + " " + std::to_string(static_cast<int>(c.result));
    }
    if (const auto* started = std::get_if<AgentStartedMessage>(&message)) {
        return "started " + started->presence.agent + " " +
               std::to_string(started->presence.incarnation);
    }
    return "stopping " + std::get<AgentStoppingMessage>(message).presence.agent;
}

struct Options {
    std::string turns;  // "recorded" or "failed": what the end of each turn says
    SnmpChannelConfiguration channel;
    ConsumersConfiguration consumers;
};

UsmUserConfiguration user_from(std::istringstream& words) {
    UsmUserConfiguration user;
    std::string auth = "sha256";
    std::string priv = "aes128";
    words >> user.name >> user.authentication_key_file >> auth >> priv;
    user.privacy_key_file = user.authentication_key_file;
    if (auth == "sha384") user.authentication = AuthenticationProtocol::sha384;
    if (auth == "sha512") user.authentication = AuthenticationProtocol::sha512;
    if (priv == "aes256") user.privacy = PrivacyProtocol::aes256;
    return user;
}

ConsumerConfiguration consumer_from(std::istringstream& words) {
    ConsumerConfiguration consumer;
    std::string version;
    std::string name;
    std::string delivery;
    std::string insecure;
    words >> consumer.address >> version >> name >> delivery >> insecure;
    consumer.version = version == "2c" ? ConsumerVersion::v2c : ConsumerVersion::v3;
    (version == "2c" ? consumer.community : consumer.user) = name;
    consumer.delivery = delivery == "trap" ? Delivery::trap : Delivery::inform;
    consumer.allow_insecure = insecure == "allow_insecure";
    return consumer;
}

void take_option(Options& options, const std::string& line) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    SnmpChannelConfiguration& channel = options.channel;
    if (key == "role") {
        std::string role;
        words >> role;
        channel.role = role == "agent" ? ChannelRole::agent : ChannelRole::controller;
    } else if (key == "name") {
        words >> channel.own_name;
        options.consumers.controller = channel.own_name;
    } else if (key == "listen") {
        words >> channel.listen;
    } else if (key == "engine") {
        words >> channel.engine_id;
    } else if (key == "state") {
        words >> channel.state_dir;
    } else if (key == "peer") {
        PeerConfiguration peer;
        words >> peer.name >> peer.address >> peer.user >> peer.engine_id;
        channel.peers.push_back(peer);
    } else if (key == "pair_peer") {
        PeerConfiguration peer;
        std::string only;
        words >> peer.name >> peer.address >> peer.user >> only >> peer.path_of;
        peer.conversation =
            only == "only" ? Conversation::pair : Conversation::reservations_and_pair;
        channel.peers.push_back(peer);
    } else if (key == "user") {
        channel.users.push_back(user_from(words));
    } else if (key == "consumer") {
        options.consumers.consumers.push_back(consumer_from(words));
    } else if (key == "turns") {
        words >> options.turns;
    } else if (key == "queue") {
        words >> options.consumers.queue_max;
    } else if (key == "delivery") {
        channel.delivery = Delivery::trap;
    } else if (key == "resend") {
        words >> channel.first_resend_ms >> channel.resend_max_ms;
    } else if (key == "window") {
        words >> channel.informs_unanswered_max;
    } else if (key == "attempts") {
        words >> channel.attempts_max;
        options.consumers.attempts_max = channel.attempts_max;
    }
}

class Session {
  public:
    Session(asio::io_context& loop, Options options)
        : options_(std::move(options)), input_(loop, 0), loop_(loop) {}

    bool open() {
        auto opened = SnmpNoticeChannel::open(
            loop_, options_.channel,
            [this](const std::string& peer, const AgentMessage& message) {
                ++messages_of_turn_;
                say("message " + peer + " " + describe(message));
            },
            [](const SnmpEvent& event) {
                say("event " + std::to_string(static_cast<int>(event.kind)) + " " + event.peer +
                    " " + event.text);
            });
        if (!opened) {
            say("error " + opened.error().message);
            return false;
        }
        channel_ = std::move(opened).value();
        if (!options_.turns.empty()) channel_->hear_in_turns([this] { return end_turn(); });
        channel_->hear_pair([](const std::string& peer, const std::string& line) {
            say("line " + peer + " " + line);
            return line != "refuse";
        });
        const agent::core::Outcome set = channel_->set_consumers(options_.consumers);
        if (!set) {
            say("error " + set.error().message);
            return false;
        }
        say("ready " + std::to_string(channel_->listen_port()) + " " + channel_->engine_id() + " " +
            std::to_string(channel_->engine_boots()));
        next_line();
        return true;
    }

  private:
    bool end_turn() {
        const int messages = std::exchange(messages_of_turn_, 0);
        if (messages > 0) say("turn of " + std::to_string(messages));
        return options_.turns == "recorded";
    }

    void next_line() {
        asio::async_read_until(input_, buffer_, '\n',
                               [this](const asio::error_code& error, std::size_t) {
                                   if (error) {
                                       channel_.reset();
                                       loop_.stop();
                                       return;
                                   }
                                   std::istream stream(&buffer_);
                                   std::string line;
                                   std::getline(stream, line);
                                   obey(line);
                                   next_line();
                               });
    }

    void obey(const std::string& line) {
        std::istringstream words(line);
        std::string command;
        words >> command;
        if (command == "notice") send_notice(words);
        if (command == "confirm") send_confirmation(words);
        if (command == "started") send_started(words);
        if (command == "stop") {
            std::string peer;
            std::string key;
            words >> peer >> key;
            channel_->stop_sending(peer, key);
        }
        if (command == "line") {
            std::string peer;
            std::string text;
            words >> peer >> text;
            channel_->say_to_pair(peer, "line", text, 2,
                                  [peer, text] { say("taken " + peer + " " + text); });
        }
        if (command == "alarm") announce(words);
        if (command == "test") channel_->announce_test("this is a test");
        if (command == "heartbeat") channel_->announce_heartbeat(2, 300);
        if (command == "counters") tell_counters();
        if (command == "peers") {
            for (const PeerStatus& peer : channel_->peers()) {
                say("peer " + peer.name + " " + (peer.answering ? "answering " : "silent ") +
                    std::to_string(peer.messages_waiting) + " " + peer.engine_id + " " +
                    peer.trouble);
            }
            say("end");
        }
        if (command == "consumers") {
            for (const ConsumerStatus& consumer : channel_->consumers()) {
                say("consumer " + consumer.address + " " + std::to_string(consumer.queued) + " " +
                    std::to_string(consumer.delivered) + " " + std::to_string(consumer.lost));
            }
            say("end");
        }
        if (command == "add_peer") {
            PeerConfiguration peer;
            words >> peer.name >> peer.address >> peer.user;
            options_.channel.peers.push_back(peer);
            const auto done = channel_->reconfigure(options_.channel.peers, options_.channel.users);
            say(done ? "done" : "error " + done.error().message);
        }
    }

    void send_notice(std::istringstream& words) {
        std::string peer;
        agent::core::Notice notice;
        words >> peer >> notice.drive.text >> notice.id.sequence;
        notice.id.epoch = 1;
        notice.controller = options_.channel.own_name;
        notice.reservation.state = agent::core::ReservationState::reserved;
        notice.reservation.kind = agent::core::ReservationKind::reserve6;
        notice.reservation.holders.push_back(
            {agent::core::Transport::fc, "2100000e1e09a1b0", "", ""});
        notice.evidence = agent::core::HolderEvidence::drive_event;
        const std::string tag =
            peer + " " + notice.drive.text + " " + std::to_string(notice.id.sequence);
        channel_->send(peer, notice.drive.text, ReservationNotice{notice},
                       [tag] { say("acknowledged " + tag); });
    }

    void send_confirmation(std::istringstream& words) {
        std::string peer;
        agent::core::Confirmation confirmation;
        words >> peer >> confirmation.drive.text >> confirmation.id.sequence;
        std::string claimed_name = options_.channel.own_name;
        words >> claimed_name;
        confirmation.id.epoch = 1;
        confirmation.controller = peer;
        confirmation.agent = claimed_name;
        confirmation.result = agent::core::ConfirmationResult::set_offline;
        confirmation.detail = "done";
        const std::string tag =
            peer + " " + confirmation.drive.text + " " + std::to_string(confirmation.id.sequence);
        channel_->send(peer, confirmation.drive.text, NoticeConfirmation{confirmation},
                       [tag] { say("acknowledged " + tag); });
    }

    void send_started(std::istringstream& words) {
        std::string peer;
        AgentStartedMessage started;
        words >> peer >> started.presence.incarnation;
        started.presence.controller = peer;
        started.presence.agent = options_.channel.own_name;
        channel_->send(peer, "presence", started,
                       [peer] { say("acknowledged " + peer + " presence"); });
    }

    void announce(std::istringstream& words) {
        agent::core::Alarm alarm;
        int kind = 1;
        std::string state;
        words >> kind >> alarm.key.drive.text >> alarm.key.agent >> state;
        alarm.key.kind = static_cast<agent::core::AlarmKind>(kind);
        alarm.severity = agent::core::Severity::critical;
        alarm.raised_at = {1'770'000'000'123};
        alarm.text = "drive " + alarm.key.drive.text + ": what happened, and what helps";
        channel_->announce(alarm, state != "clear");
    }

    void tell_counters() {
        std::string line = "counters rss_kb=" + std::to_string(resident_kilobytes());
        for (std::size_t i = 0; i < snmp_count_kinds; ++i) {
            const auto which = static_cast<SnmpCount>(i);
            line += " " + std::string(to_text(which)) + "=" +
                    std::to_string(channel_->counters().of(which));
        }
        say(line);
    }

    Options options_;
    int messages_of_turn_ = 0;
    asio::posix::stream_descriptor input_;
    asio::io_context& loop_;
    asio::streambuf buffer_;
    std::unique_ptr<SnmpNoticeChannel> channel_;
};

}  // namespace

int main() {
    Options options;
    options.channel.listen = "udp:127.0.0.1:0";
    // Byte by byte, so that nothing behind "start" is read too early.
    std::string line;
    char c = 0;
    while (::read(0, &c, 1) == 1) {
        if (c != '\n') {
            line += c;
            continue;
        }
        if (line == "start") break;
        take_option(options, line);
        line.clear();
    }
    asio::io_context loop;
    Session session(loop, std::move(options));
    if (!session.open()) return 1;
    loop.run();
    return 0;
}
