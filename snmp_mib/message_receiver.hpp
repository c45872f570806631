#pragma once

// The socket that notifications come to. Every datagram passes, in this order: source, size, outer
// shape, engine ID and security level, then the library's decoder and security model, then the
// handler.

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "snmp_mib/datagram.hpp"
#include "snmp_mib/replay_guard.hpp"
#include "snmp_mib/snmp_counters.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "snmp_mib/udp_batch.hpp"

namespace snmp_mib {

// What somebody made of a datagram that he saw before anything else did.
struct Overheard {
    bool taken = false;  // it was for him
    std::string answer;  // to send back to where it came from; empty: none
};

class MessageReceiver {
  public:
    // An accepted, authenticated and encrypted inform or trap. True: acknowledge it.
    using Handler = std::function<bool(const ReceivedMessage&, const asio::ip::address& from)>;

    static agent::core::Result<std::unique_ptr<MessageReceiver>> open(asio::io_context& loop,
                                                                      const std::string& listen,
                                                                      std::string own_engine_id,
                                                                      SnmpCounters& counters,
                                                                      Handler handler);
    MessageReceiver(const MessageReceiver&) = delete;
    MessageReceiver& operator=(const MessageReceiver&) = delete;

    // Looks at every datagram first. Traps of tape libraries come this way.
    using Overhearer = std::function<Overheard(std::span<const std::uint8_t> datagram,
                                               const asio::ip::address& from)>;
    void let_overhear(Overhearer overhearer) { overhearer_ = std::move(overhearer); }

    // Datagrams are read in turns of some hundreds. With this set, what the handler takes is
    // acknowledged at the end of its turn, after `end_turn` and only when it returns true.
    using EndTurn = std::function<bool()>;
    void take_in_turns(EndTurn end_turn) { end_turn_ = std::move(end_turn); }
    [[nodiscard]] bool is_in_turn() const { return in_turn_; }
    // Reads what has arrived until now, in as many turns as it needs up to a bound. Nothing while a
    // turn runs.
    void read_all();

    // Something came from an address that nobody has, as far as is known.
    void when_a_stranger_speaks(std::function<void()> told) { stranger_spoke_ = std::move(told); }

    // Where datagrams may come from, and whose engine IDs may stand in traps.
    void allow(std::set<asio::ip::address> sources, std::set<std::string> engine_ids);
    // One more engine ID of a peer.
    void allow_engine(const std::string& engine_id) { engine_ids_.insert(engine_id); }
    [[nodiscard]] std::uint16_t port() const;

  private:
    using Clock = std::chrono::steady_clock;
    MessageReceiver(asio::ip::udp::socket socket, std::string own_engine_id, SnmpCounters& counters,
                    Handler handler);

    void wait();
    bool read_turn();
    void acknowledge();
    void on_datagram(std::span<const std::uint8_t> datagram, const asio::ip::udp::endpoint& from);
    bool for_us(const V3Envelope& envelope, const asio::ip::udp::endpoint& from);
    void refuse(ReceivedMessage& message, const V3Envelope& envelope,
                const asio::ip::udp::endpoint& from);
    void explain(oids::UsmReport reason, const V3Envelope& envelope,
                 const asio::ip::udp::endpoint& from);
    enum class Asked : std::uint8_t { by_anyone, with_the_key };
    bool may_answer(const asio::ip::address& source, Asked asked);
    bool send(const agent::core::Result<std::string>& datagram, const asio::ip::udp::endpoint& to);

    // Questions that a source may still ask; refilled with time.
    struct Allowance {
        double answers = 0;
        Clock::time_point at = Clock::time_point::min();
    };
    // Whoever has no key can use up only what is for everybody.
    struct Allowances {
        Allowance for_anyone;
        Allowance with_the_key;
    };

    asio::ip::udp::socket socket_;
    std::string own_engine_id_;
    SnmpCounters& counters_;
    Handler handler_;
    Overhearer overhearer_;
    EndTurn end_turn_;
    std::function<void()> stranger_spoke_;
    bool in_turn_ = false;
    ReplayGuard replays_;
    IncomingDatagrams incoming_;
    OutgoingDatagrams acknowledgements_;  // of the turn
    std::set<std::string> engine_ids_;
    std::map<asio::ip::address, Allowances> sources_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace snmp_mib
