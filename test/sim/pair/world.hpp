#pragma once

// Two controller nodes with their databases, voting agents and everything between them: one value,
// which can be copied and tried from the same point on in several ways. The rules are the real
// ones; databases, disks and wires are models that may do what real ones were seen to do. What can
// happen next is a list of choices: the simulator draws from it, the explorer tries them all.

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "agent/pair/node_watch.hpp"
#include "agent/pair/pair_message.hpp"
#include "agent/pair/voting_agent.hpp"

namespace pair_sim {

namespace pair = agent::pair;
using agent::core::Instant;
using pair::Node;

// Faults of the wiring that the oracle has to find.
enum class Bug : std::uint8_t {
    none,
    one_round,                 // a promise counts as acceptance
    threshold_lowered,         // one vote fewer decides
    sync_off_before_accept,    // the other is not waited for once agents were asked
    pair_before_sync,          // the register says pair before commits wait for the other
    agents_forget,             // what an agent stored is not on its disk
    resume_without_reading,    // a restarted lone node goes on as it was
    warning_is_success,        // a commit answered with a warning counts
    no_barrier,                // claims are judged before a commit was acknowledged
    ballot_used_again,         // a restarted node forgets which ballots it has used
    lease_ignored,             // devices are commanded although the time to act is over
    agents_hear_nobody,        // agents let the other serve although the first is heard
    rewind_before_checkpoint,  // a standby is rewound against a server without a checkpoint
    times_not_compared,        // a lease is as long as the node's own file says
    sequence_alone,            // a node that counts from the beginning again is not heard
    vouches_without_right,     // an agent is told the register by a node whose time is over
};
inline constexpr Bug planted_bugs[] = {
    Bug::one_round,          Bug::threshold_lowered,  Bug::sync_off_before_accept,
    Bug::pair_before_sync,   Bug::agents_forget,      Bug::resume_without_reading,
    Bug::warning_is_success, Bug::no_barrier,         Bug::ballot_used_again,
    Bug::lease_ignored,      Bug::agents_hear_nobody, Bug::rewind_before_checkpoint,
    Bug::times_not_compared, Bug::sequence_alone,     Bug::vouches_without_right,
};
[[nodiscard]] std::string_view to_text(Bug bug);

[[nodiscard]] std::string agent_name(std::size_t index);

// One row's change in the shared table.
struct LogRecord {
    std::uint32_t claim = 0;  // 0: an epoch record
    std::uint64_t epoch = 0;
    pair::Relation relation = pair::Relation::pair;
    Node primary = Node::first;
    bool operator==(const LogRecord&) const = default;
};

struct Server {
    bool running = false;
    bool primary = false;
    bool sync = false;  // as primary: a commit waits for the other's copy
    bool frozen = false;
    bool scrap = false;        // a rewind or copy was interrupted
    bool stuck = false;        // rewound against a server without checkpoint: never streams
    bool checkpointed = true;  // since it became primary
    bool clean = false;        // stopped in an orderly way
    std::uint64_t timeline = 1;
    std::size_t confirmed = 0;  // as primary: so many records the other has on its disk
    std::vector<LogRecord> log;
};

// A commit that a node waits for.
struct Commit {
    std::size_t place = 0;  // of its record in the log
    std::uint32_t claim = 0;
    std::optional<pair::Order> barrier{};  // nothing: a claim
};

struct Process {
    bool up = false;
    bool paused = false;
    std::optional<pair::ControllerNode> rules;
    std::optional<pair::NodeWatch> watch;
    pair::NodeRecord disk;
    std::vector<pair::Order> orders;  // to be carried out in this order
    bool order_begun = false;
    std::vector<Commit> commits;
    std::uint32_t acknowledged = 0;  // claims it may act for
    std::uint64_t lives = 0;
    std::uint64_t starts = 0;   // as its disk says
    pair::NodeRecord old_disk;  // a copy that somebody has made, and its starts
    std::uint64_t old_starts = 0;
    bool served_alone = false;  // before its end, for a planted bug
};

struct AgentProcess {
    bool up = true;
    std::uint64_t stores = 0;  // lost
    pair::VotingAgentState disk;
    std::optional<pair::VotingAgent> rules;
};

struct PeerSays {
    pair::Heartbeat heartbeat;
};

// On its way. `agent` is the agent's index, or -1 between the nodes.
struct Message {
    Node node = Node::first;  // sender or receiver; between nodes: the receiver
    int agent = -1;
    bool to_agent = false;
    std::variant<pair::PromiseRequest, pair::AcceptRequest, pair::BallotAnswer, pair::KeyPass,
                 pair::KeyId, pair::Heartbeat, pair::LeaseAnswer, PeerSays, pair::Enrolment>
        what;
};

enum class Kind : std::uint8_t {
    deliver,       // index: of the message
    deliver_mute,  // the same, and its answer is lost
    drop,
    repeat,
    claim,        // a new request, or (index 1) one whose outcome is unknown again
    acknowledge,  // the oldest commit that may be
    cancel,       // somebody cancels a waiting commit: it is answered with a warning
    device,       // a command to a drive or changer
    order,        // the next step of the oldest order
    replicate,    // one record to this node's copy
    confirm,      // the other node's copy is told to this primary
    look,         // the node sees its data
    hear_peer,    // explorer: the nodes' words to each other at once
    timer,        // explorer: index of what a clock may say
    crash,
    restart,
    server_crash,
    pause,
    resume,
    freeze,  // the server alone
    thaw,
    agent_crash,  // index: of the agent
    agent_restart,
    cut,  // index: link; see World::links
    heal,
    shut_down,  // index: mode * 3 + subject
    recover,
    lose_disk,   // of a node that is down: what it keeps besides the shared table
    lose_store,  // index: of the agent, which starts again without it
    enrol,       // somebody tells this node to take in the agent
};

struct Choice {
    Kind kind = Kind::look;
    Node node = Node::first;
    std::size_t index = 0;
};

// How often each fault may still happen.
struct Budget {
    int claims = 0;
    int crashes = 0;
    int server_crashes = 0;
    int pauses = 0;
    int mute = 0;
    int cancels = 0;
    int missing = 0;  // PeerMissing
    int time_outs = 0;
    int retries = 0;
    int shut_downs = 0;
    int recoveries = 0;
    int agent_crashes = 0;
    int disk_losses = 0;
    int store_losses = 0;
};

struct Options {
    std::size_t agents = 3;
    Bug bug = Bug::none;
    bool timed = true;    // with watches, clocks and leases; else timers are choices
    bool fenced = false;  // drives refuse commands of preempted epochs
    bool strict_start = false;
    pair::NodeTimes times{};
    std::optional<pair::NodeTimes> times_of_first{};  // its file says something else
};

class World {
  public:
    explicit World(Options options);

    // Both nodes run as a pair with a claim: where both simulator and explorer begin.
    void settle();

    [[nodiscard]] std::vector<Choice> choices(const Budget& budget) const;
    void apply(const Choice& choice, Budget& budget);

    // Timed worlds: time goes on, and what clocks say is heard.
    void advance(std::int64_t ms);

    // Each step's effects are carried out up to this one, and then the process ends; -1: all.
    void crash_after_effects(int count) { crash_after_ = count; }

    [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
    [[nodiscard]] const Process& process(Node node) const {
        return processes_[pair::index_of(node)];
    }
    [[nodiscard]] const Server& server(Node node) const { return servers_[pair::index_of(node)]; }
    [[nodiscard]] const AgentProcess& agent(std::size_t index) const { return agents_[index]; }
    [[nodiscard]] const std::vector<Message>& messages() const { return messages_; }
    [[nodiscard]] const std::vector<std::uint32_t>& acknowledged() const { return acknowledged_; }
    [[nodiscard]] std::uint64_t commands() const { return commands_; }
    [[nodiscard]] std::uint64_t takeovers() const { return takeovers_; }
    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] Instant now_of(Node node) const;

    // Every link is whole, everybody runs; nothing on its way is lost.
    void heal_all();
    // Everything that can happen without faults and waiting happens, a while.
    void run_quietly(int rounds);
    // Why the pair is not in service as a pair; nothing when it is.
    [[nodiscard]] std::optional<std::string> not_converged() const;

    // Requests that no agent would take any more and whose answers nobody waits for.
    void forget_dead_messages();

    // For the explorer: equal worlds behave equally.
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] std::uint64_t trace_hash() const { return trace_; }
    void print(bool printing) { printing_ = printing; }

    // links: 0 first to second, 1 second to first, then for each agent: to it from the first, to
    // the first, to it from the second, to the second.
    [[nodiscard]] std::size_t links() const { return 2 + 4 * options_.agents; }
    [[nodiscard]] bool link(std::size_t index) const { return !cut_[index]; }
    void clock_faults(Node node, std::int64_t rate_per_mille, std::int64_t offset_ms,
                      bool stops_when_paused);

  private:
    friend class Choosing;

    // nodes
    [[nodiscard]] const pair::NodeTimes& times_of(Node node) const;
    void boot(Node node);
    void give(Node node, const pair::NodeInput& input);
    void carry_out(Node node, pair::NodeEffects effects);
    static pair::KeyPass pass_of(Process& process, const pair::ShutdownKey& key);
    void hear_clock(Node node);
    void end(Node node);
    void carry_out_order(Node node);
    void answer(Node node, const pair::Order& order, bool done);
    [[nodiscard]] pair::DataSeen data_of(Node node) const;
    // servers
    [[nodiscard]] bool follows(Node standby) const;
    void start_commit(Node node, std::uint32_t claim, const std::optional<pair::Order>& barrier);
    [[nodiscard]] bool may_be_acknowledged(Node node, const Commit& commit) const;
    void acknowledge(Node node, std::size_t at, bool warned);
    void follow(Node node, const pair::Order& order);
    std::vector<pair::Order> give_up_commits(Node node);
    // agents
    void boot_agent(std::size_t index);
    void give_agent(std::size_t index, const pair::VotingAgentInput& input);
    [[nodiscard]] bool may_lose_store(std::size_t index) const;
    void lose_store(std::size_t index);
    [[nodiscard]] bool knows_another_store(Node node, std::size_t index) const;
    [[nodiscard]] bool is_to_be_enrolled(Node node, std::size_t index) const;
    void enrol(Node node, std::size_t index);
    [[nodiscard]] bool nobody_else_asks(Node node) const;
    // wires
    void send(Message message);
    [[nodiscard]] bool passes(const Message& message) const;
    void deliver(const Message& message);
    void deliver_now(const Message& message, bool mute);
    // oracle
    [[nodiscard]] std::string describe_agent(std::size_t index) const;
    [[nodiscard]] std::string describe_messages(int agent) const;
    void fail(const std::string& what);
    void judge_acknowledged(Node node, std::size_t place, std::uint32_t claim);
    void judge_command(Node node, const pair::ActingRight& right);
    void judge_accepted(const pair::Register& held, std::size_t agent);
    void trace(std::string_view what, Node node, std::uint64_t number);

    Options options_;
    std::array<Process, 2> processes_;
    std::array<Server, 2> servers_;
    std::vector<AgentProcess> agents_;
    std::vector<Message> messages_;
    std::vector<bool> cut_;

    std::int64_t now_ = 1'000'000;
    std::array<std::int64_t, 2> rate_{1000, 1000};
    std::array<std::int64_t, 2> offset_{0, 0};
    std::array<bool, 2> stops_when_paused_{false, false};
    std::array<std::int64_t, 2> stood_still_{0, 0};

    // what really happened
    std::uint32_t next_claim_ = 1;
    std::vector<std::uint32_t> unanswered_;
    std::vector<std::uint32_t> acknowledged_;
    struct Chosen {
        pair::Ballot ballot;
        pair::RegisterValue value;
        std::set<std::size_t> agents;
    };
    std::vector<Chosen> accepted_;
    std::uint64_t acted_epoch_ = 0;
    std::optional<Node> acted_;
    std::uint64_t fence_epoch_ = 0;
    std::uint64_t commands_ = 0;
    std::uint64_t takeovers_ = 0;
    std::uint64_t key_counter_ = 0;
    int crash_after_ = -1;
    bool mute_ = false;

    std::optional<std::string> violation_;
    std::uint64_t trace_ = 0xcbf29ce484222325U;
    bool printing_ = false;
};

}  // namespace pair_sim
