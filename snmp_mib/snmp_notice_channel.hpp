#pragma once

// SNMPv3 between the two kinds of agent, and alarms to SNMP consumers. Net-SNMP encodes, decodes
// and does USM; sockets, timers, the table of pending messages and the filter in front of the
// parser are ours (docs/SNMP.md).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/result.hpp"
#include "snmp_mib/consumer_status.hpp"
#include "snmp_mib/library_trap.hpp"
#include "snmp_mib/notice_channel.hpp"
#include "snmp_mib/pair_line.hpp"
#include "snmp_mib/snmp_configuration.hpp"
#include "snmp_mib/snmp_counters.hpp"

namespace asio {
class io_context;
}

namespace snmp_mib {

// Things an operator has to know about, beyond counters. Called from the event loop.
struct SnmpEvent {
    enum class Kind : std::uint8_t {
        peer_engine_learnt,  // first authenticated answer of this peer: its engine ID is remembered
                             // from now on
        peer_engine_changed,  // an authenticated answer came from another engine ID: state of the
                              // peer was lost or replaced
        peer_engine_refused,  // another engine answered, and the engine ID is fixed in the
                              // configuration
        peer_rejects_us,      // unknown user, wrong key or security level, as the peer says (not
                              // authenticated: a hint)
        peer_unresolved,      // the host name has no address now
        peer_moved,           // the host name has another address than before
        library_message,      // something the SNMP library logged; at most a few a minute
    };
    Kind kind = Kind::library_message;
    std::string peer;  // empty: not about one peer
    std::string text;  // one line for the operator
};
using SnmpEventHandler = std::function<void(const SnmpEvent&)>;

// How a peer looks from here, for `agent show` and the MIB.
struct PeerStatus {
    std::string name;
    std::string address;
    std::string engine_id;   // hexadecimal; empty: not known yet
    bool answering = false;  // the newest message was acknowledged
    std::size_t messages_waiting = 0;
    std::string trouble;  // what the peer last complained about; empty: nothing
    Conversation conversation = Conversation::reservations;
};

// One per process, created and used on the thread that runs `loop`, which outlives it. The SNMP
// library keeps process-wide state: a second channel in the same process is an error, also after
// the first is gone.
class SnmpNoticeChannel final : public NoticeChannel {
  public:
    // Reads keys and state, raises the boots counter on disk, binds the sockets. Errors: a key file
    // that others can read, a name used twice, an address that is no address, a port that is taken,
    // a state_dir that can not be written.
    static agent::core::Result<std::unique_ptr<SnmpNoticeChannel>> open(
        asio::io_context& loop, SnmpChannelConfiguration configuration,
        AgentMessageHandler on_message, SnmpEventHandler on_event);
    ~SnmpNoticeChannel() override;

    void send(const std::string& peer, const std::string& replaces, const AgentMessage& message,
              std::function<void()> on_acknowledged) override;
    void stop_sending(const std::string& peer, const std::string& replaces) override;

    // What peers say is read in turns of some hundreds of messages, and acknowledged at the end of
    // the turn, after `end_turn`, when that returns true: whoever records what he heard does it
    // there, once for all. Without: what the handler took is acknowledged.
    void hear_in_turns(std::function<bool()> end_turn);
    [[nodiscard]] bool is_hearing() const;  // a turn runs
    // Hears what has arrived until now and lies unread: before somebody's silence counts.
    void hear_what_arrived();

    // A line of a peer that may say such, in its own name, to us. False: it was not taken, and is
    // not acknowledged.
    using PairLineHandler = std::function<bool(const std::string& peer, const std::string& line)>;
    // Without a handler nothing is taken.
    void hear_pair(PairLineHandler on_line);
    // An inform, sent at most `attempts` times (1 or more); `replaces` as in send(). On every path
    // to the peer. `on_acknowledged` at most once: it was taken. A line that is too long is counted
    // and dropped.
    void say_to_pair(const std::string& peer, const std::string& replaces, const std::string& line,
                     std::uint32_t attempts, std::function<void()> on_acknowledged);

    // Replaces the list of consumers; what waits for one that stays is kept.
    agent::core::Outcome set_consumers(ConsumersConfiguration configuration);
    // A raise or a clear to every consumer. Returns at once; delivery is retried in the background.
    void announce(const agent::core::Alarm& alarm, bool active);
    // Replaces the tape libraries whose traps are taken. Errors: as LibraryHints::from().
    agent::core::Outcome set_hints(const std::vector<HintSourceConfiguration>& sources,
                                   LibraryHintHandler on_hint);
    // tlrTest to every consumer.
    void announce_test(const std::string& text);
    // tlrHeartbeat to every consumer.
    // This controller is something else in its pair; `state` as TlrNodeState has it.
    void announce_role(std::int32_t state, std::uint64_t epoch, const std::string& text);
    void announce_heartbeat(std::size_t active_alarms, std::uint32_t interval_s);
    // Of the newest notification to consumers; 0: there was none.
    [[nodiscard]] std::uint32_t notification_sequence() const;

    // Exchanges peers and users, and consumers when they are given: all at once, since a user may
    // go together with the consumer that it was for. Messages on their way to who stays are kept.
    // Role, listen address and engine ID stay as they are. On error nothing has changed.
    agent::core::Outcome reconfigure(std::vector<PeerConfiguration> peers,
                                     std::vector<UsmUserConfiguration> users,
                                     std::optional<ConsumersConfiguration> consumers = {});

    [[nodiscard]] std::uint16_t listen_port() const;
    [[nodiscard]] std::string engine_id() const;  // ours, hexadecimal
    [[nodiscard]] std::uint32_t engine_boots() const;
    [[nodiscard]] const SnmpCounters& counters() const;
    [[nodiscard]] std::vector<PeerStatus> peers() const;
    [[nodiscard]] std::vector<ConsumerStatus> consumers() const;

  private:
    class Parts;
    explicit SnmpNoticeChannel(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace snmp_mib
