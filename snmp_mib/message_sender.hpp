#pragma once

// Sends notifications to many destinations over a few sockets, with its own table
// of pending messages: a window of unanswered informs, resends with back-off and jitter, and an
// answer to any transmission counts.

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/core/result.hpp"
#include "snmp_mib/datagram.hpp"
#include "snmp_mib/snmp_configuration.hpp"
#include "snmp_mib/snmp_counters.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "snmp_mib/udp_batch.hpp"
#include "snmp_mib/usm_users.hpp"
#include "snmp_mib/varbind_ber.hpp"

namespace snmp_mib {

enum class MessageEnd : std::uint8_t {
    acknowledged,
    sent,        // a trap, after its last transmission
    superseded,  // a later message with the same key took its place
    stopped,
    given_up,  // attempts spent without an answer
    dropped,   // pushed out of a full queue, or its destination is gone
};

struct DestinationConfiguration {
    std::string address;
    std::string peer;                 // several addresses of one say the same; empty: nobody's
    std::optional<UsmUserKeys> user;  // v3
    std::string community;            // v2c, without user
    std::string fixed_engine_id;      // bytes; empty: learnt
    std::string known_engine_id;      // bytes; learnt in an earlier life
    std::size_t messages_max = 1'024;
    std::size_t unanswered_max = 16;  // of this destination; the sum has a window of its own
    std::uint32_t attempts_max = 8;
    bool drop_oldest = false;  // when full: the oldest waiting message, not the new one
};

struct SenderEvent {
    enum class Kind : std::uint8_t {
        engine_learnt,
        engine_changed,
        engine_refused,
        rejected,
        unresolved,
        address_known
    };
    Kind kind = Kind::engine_learnt;
    std::string destination;
    std::string engine_id;  // bytes
    std::string text;
};

struct SenderSettings {
    std::size_t unanswered_max = 64;
    std::uint32_t first_resend_ms = 500;
    std::uint32_t resend_max_ms = 2'000;
    std::string own_engine_id;
    std::string bind_host;  // source address of the family it belongs to; empty: the system chooses
};

class MessageSender {
  public:
    using Clock = std::chrono::steady_clock;
    using OnEnd = std::function<void(MessageEnd)>;

    MessageSender(asio::io_context& loop, SenderSettings settings, SnmpCounters& counters,
                  std::function<void(const SenderEvent&)> on_event);
    ~MessageSender();
    MessageSender(const MessageSender&) = delete;
    MessageSender& operator=(const MessageSender&) = delete;

    // Adds or exchanges. What waits for a destination stays with it while its user and address stay
    // the same.
    agent::core::Outcome set_destination(const std::string& name,
                                         DestinationConfiguration configuration);
    void remove_destination(const std::string& name);

    // `key` replaces an older message with the same key; empty: replaces nothing. `on_end` is
    // called once, from the loop or from a later call, never from inside submit().
    void submit(const std::string& destination, const std::string& key, SharedBody body,
                Delivery delivery, OnEnd on_end,
                std::uint32_t attempts_max = 0);  // 0: as the destination's
    void stop(const std::string& destination, const std::string& key);

    struct Status {
        std::string engine_id;  // bytes; empty: not known
        bool answering = false;
        std::size_t waiting = 0;
        std::string trouble;
        std::uint64_t resent = 0;
    };
    [[nodiscard]] Status status(const std::string& destination) const;
    [[nodiscard]] bool has(const std::string& destination) const {
        return destinations_.contains(destination);
    }
    // Where a destination's datagrams may come from: all addresses of its name, once resolved.
    [[nodiscard]] std::set<asio::ip::address> addresses_of(const std::string& destination) const;
    // Asks for the addresses of all names again, in the background; of each not more often than
    // every ten seconds. Until there is an answer the old ones hold.
    void resolve_again();

  private:
    struct Message;
    struct Destination;
    struct Outstanding;
    using MessageId = std::uint64_t;
    // A socket, and what it is to send before the loop goes on. Two for each address family: what
    // is sent to a host that is not there stays in the socket's buffer until the kernel has given
    // up asking for its hardware address, and those that answer are not to wait for that.
    struct Line {
        asio::ip::udp::socket socket;
        OutgoingDatagrams outgoing;
    };

    void resolve(Destination& destination);
    void resolved(Destination& destination, const std::vector<asio::ip::udp::endpoint>& endpoints);
    void activate(Destination& destination);
    void make_due(Message& message, Clock::time_point at);
    bool is_something_late(Clock::time_point now) const;
    void pump();
    void arm_timer();
    void transmit(Message& message);
    bool transmit_inform(Message& message, Destination& destination, std::int32_t id);
    agent::core::Result<std::string> encode(const Message& message, Destination& destination,
                                            std::int32_t id, const std::string& engine);
    bool is_full(const Destination& destination);
    void send_datagram(Destination& destination, std::string datagram);
    void flush();
    void flush(Line& line);
    static bool must_wait(const Message& message, const Destination& destination);
    void take_place(Message& message, Destination& destination);
    void release_place(Message& message, Destination& destination);
    void heard_from(Destination& destination);
    void unpark(Destination& destination);
    void finish(MessageId id, MessageEnd end);
    void post_end(OnEnd on_end, MessageEnd end);
    Clock::duration back_off(std::uint32_t attempts);
    std::int32_t fresh_id();
    void forget_ids(const Message& message);
    const std::string& engine_for(const Destination& destination) const;

    Line* line_for(const Destination& destination);
    Line* open_line(std::optional<Line>& line, bool v6);
    void wait_for_answers(Line& line);
    void read_answers(Line& line, std::size_t most);
    void read_all_answers();
    void on_datagram(std::span<const std::uint8_t> datagram, const asio::ip::udp::endpoint& from);
    bool may_show_engine(const V3Envelope& envelope, Outstanding& outstanding,
                         const Destination& destination);
    void on_v3_answer(const V3Envelope& envelope, std::span<const std::uint8_t> datagram,
                      Outstanding& outstanding, Destination& destination);
    void on_report(const V3Envelope& envelope, ReceivedMessage& report,
                   const Outstanding& outstanding, Destination& destination);
    void on_new_engine(const V3Envelope& envelope, Destination& destination);
    std::string doubt_about(const std::string& claimed, const Destination& destination) const;
    bool is_shared(const Destination& destination, const std::string& engine) const;
    void forget_engine(const Destination& destination, const std::string& engine);
    void forget_engines(Destination& destination);
    void forget_other_engines(Destination& destination);
    void believe_engine(Destination& destination, const std::string& engine_id);
    void prompt(Message& message);
    void resend_now(Destination& destination);

    asio::io_context& loop_;
    SenderSettings settings_;
    SnmpCounters& counters_;
    std::function<void(const SenderEvent&)> on_event_;
    asio::ip::udp::resolver resolver_;
    asio::steady_timer timer_;
    std::array<std::optional<Line>, 4> lines_;  // v4 and v6 to who answers; v4 and v6 to others
    IncomingDatagrams incoming_;
    bool reading_ = false;
    bool flush_posted_ = false;
    std::optional<Clock::time_point> flush_again_at_;  // a socket was full
    std::mt19937 random_;
    std::unordered_map<std::string, std::unique_ptr<Destination>> destinations_;
    std::unordered_map<MessageId, std::unique_ptr<Message>> messages_;
    std::unordered_map<std::int32_t, Outstanding>
        outstanding_;  // every transmission that may still be answered
    std::set<std::pair<Clock::time_point, MessageId>> due_;
    std::deque<MessageId> ready_;  // due, waiting for a place in the window
    std::deque<std::pair<Clock::time_point, MessageId>> slots_;  // places taken, oldest first
    std::size_t slots_taken_ = 0;
    bool timer_armed_ = false;
    MessageId next_message_ = 1;
    std::shared_ptr<int> alive_;  // handlers that outlive us find it expired
};

}  // namespace snmp_mib
