#pragma once

// Of node_runner.cpp and node_work.cpp alone: what is behind the door of a node at work.

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "agent/pair_node/node_runner.hpp"
#include "agent/runtime/controller_node_store.hpp"

namespace agent::pair_node {

// How long something is said again, as the number of transmissions: a heartbeat is worth nothing
// when the next one is due, a ballot as long as its answers are waited for.
inline constexpr std::uint32_t heartbeat_attempts = 1;
inline constexpr std::uint32_t ballot_attempts = 3;
inline constexpr std::uint32_t key_attempts = 4;
inline constexpr std::uint32_t enrolment_attempts = 1;

class NodeRunner::Work {
  public:
    Work(asio::io_context& event_loop, NodeOptions settings, runtime::ControllerNodeStore opened,
         const pair::NodeRecord& record, std::uint64_t first_sequence,
         std::unique_ptr<DatabaseDoor> door, NodeDoors outside)
        : loop(event_loop),
          options(std::move(settings)),
          store(std::move(opened)),
          rules(options.pair.node, record),
          watch(options.pair.times, options.life, first_sequence, outside.now().monotonic),
          database(std::move(door)),
          doors(std::move(outside)),
          wakeup(event_loop),
          since(doors.now().wall) {}

    void begin(const pair::DataSeen& data);
    void give(pair::NodeInput input);
    void carry_out_all(const pair::NodeEffects& effects);
    void carry_out(const pair::NodeEffect& effect);
    void carry_out(const pair::Order& order);
    void changed(const pair::StateChanged& change);
    void ended(const pair::VoteEnded& vote);
    void hear_clocks();
    void say_heartbeat(const pair::Heartbeat& heartbeat);
    [[nodiscard]] std::string line_of(const pair::ShutdownKey& key);
    void watch_peer();
    void watch_hand_over();
    void end_hand_over(const std::string& trouble);
    [[nodiscard]] bool peer_knows_of_departure() const;
    void see_key(const pair::ShutdownKey& key);
    void tell_refusal(const pair::ShutdownRefused& refused);
    void compare_times(const std::string& answerer, const pair::LeaseAnswer& answer);
    bool hear_peer(const pair::PairMessage& message);
    bool hear_agent(const core::AgentName& from, const pair::PairMessage& message);
    void say_to_peer(const std::string& replaces, const std::string& line, std::uint32_t attempts) {
        doors.say(options.pair.peer.name, replaces, line, attempts);
    }
    [[nodiscard]] const std::string& name_of(pair::Node node) const {
        return node == options.pair.node.node ? options.name : options.pair.peer.name;
    }
    [[nodiscard]] const std::string& own_name() const { return options.name; }

    asio::io_context& loop;
    NodeOptions options;
    runtime::ControllerNodeStore store;
    pair::ControllerNode rules;
    pair::NodeWatch watch;
    std::unique_ptr<DatabaseDoor> database;
    NodeDoors doors;
    asio::steady_timer wakeup;
    std::shared_ptr<int> alive = std::make_shared<int>(0);

    bool begun = false;
    bool over = false;
    bool busy = false;  // inputs wait their turn
    std::deque<pair::NodeInput> waiting;
    std::string why = "starts";
    core::WallTime since;
    bool peer_silent = false;
    std::optional<core::Now> peer_heard_at;
    std::map<core::AgentName, core::Now> agents_heard;
    std::optional<pair::Vote> last_vote;
    std::vector<pair::ShutdownKey> keys;
    struct HandOver {
        pair::KeyId key;
        core::Instant until{};
        std::optional<core::Instant> left_at{};
        std::function<void()> done;
    };
    std::optional<HandOver> hand_over;
    std::set<std::string> short_promises;                      // of whom that was told
    std::map<std::string, std::string> worthless_promises;     // too short for the heartbeats; why
    std::deque<std::pair<pair::KeyId, std::string>> refusals;  // that were told, and why
    std::deque<pair::KeyId> obeyed;                            // in this life
    std::optional<pair::Wish> missed;  // told of votes that were not enough for it
};

}  // namespace agent::pair_node
