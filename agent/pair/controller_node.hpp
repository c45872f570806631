#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/step_effects.hpp"
#include "agent/pair/acting_right.hpp"
#include "agent/pair/controller_node_io.hpp"

namespace agent::pair {

// The rules of one controller node of a pair. Deterministic, no clock, no I/O; a value, so that it
// can be copied and tried from the same point on in several ways. Not thread-safe.
class ControllerNode {
  public:
    // fault_of(configuration) is nothing; checked.
    ControllerNode(NodeConfiguration configuration, NodeRecord record);

    // To be run once before the first step. `data` is what the local copy holds.
    [[nodiscard]] NodeEffects start(const DataSeen& data);
    [[nodiscard]] NodeEffects step(const NodeInput& input);

    [[nodiscard]] NodeState state() const { return state_; }
    [[nodiscard]] NodeAction procedure() const { return procedure_; }  // nothing: none runs
    [[nodiscard]] std::optional<Step> running_step() const;
    [[nodiscard]] const DataSeen& data() const { return data_; }
    [[nodiscard]] const NodeRecord& record() const { return record_; }
    [[nodiscard]] const NodeConfiguration& configuration() const { return configuration_; }

    // The epoch this node acts under: that of the newest barrier.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    [[nodiscard]] bool takes_requests() const;
    // Goes on with claims that are committed; only with a lease where needs_lease().
    [[nodiscard]] bool acts() const;
    // Somebody else may be allowed to act while this node can not hear of it.
    [[nodiscard]] bool needs_lease() const;
    // May the other node's word that it serves be acknowledged? Only by one that stands by: every
    // other may be about to serve.
    [[nodiscard]] bool grants_lease() const;
    // Named alone by a vote whose end it never heard of: it may have stood by since then, in an
    // earlier life too, and have let the other act.
    [[nodiscard]] bool may_have_let_act() const { return may_have_let_act_; }

    // The newest vote, for `pair votes`; nothing before the first.
    [[nodiscard]] const std::optional<Vote>& vote() const { return vote_; }
    [[nodiscard]] bool vote_is_open() const;
    // What an agent that has lost its register may be told. It must be what a majority holds, or
    // the agent could help to name a second primary: the node can vouch for it while it acts, for
    // as long as its time to act lasts nobody else has been named. Nothing: it can not.
    [[nodiscard]] std::optional<Register> vouch(const ActingRight& right, core::Instant now) const;
    // The command being obeyed: keys are collected, or the node drains; nothing otherwise.
    [[nodiscard]] const std::optional<ShutdownKey>& key() const { return key_; }
    // How it does so: as key() says, or `immediate` when the program is being stopped.
    [[nodiscard]] std::optional<ShutdownMode> leaves_by() const;
    // A command that came while the node changes its role.
    [[nodiscard]] const std::optional<ShutdownKey>& waiting_order() const { return waiting_order_; }
    [[nodiscard]] bool keys_are_collected() const { return collecting_; }
    // Starts as the primary of a pair, and can not go on without the other's copy.
    [[nodiscard]] bool awaits_peer() const;
    [[nodiscard]] bool retry_is_wanted() const;
    // The other node's key says that it is out of service, and nothing was heard of it since.
    [[nodiscard]] bool peer_is_out() const { return peer_is_out_; }
    [[nodiscard]] const std::optional<PeerHeard>& peer() const { return peer_; }

    // Everything that decides what happens next, as text: two nodes with the same text behave the
    // same. For the explorer; without what single agents have answered in an open vote.
    void describe(std::string& text) const;

  private:
    class Rules;

    // What a barrier writes, and what the node serves under.
    struct Naming {
        std::uint64_t epoch = 0;
        Relation relation = Relation::pair;
    };

    NodeConfiguration configuration_;
    NodeRecord record_;
    NodeState state_ = NodeState::recovering;
    DataSeen data_;
    std::uint64_t epoch_ = 0;
    Naming naming_;

    NodeAction procedure_ = NodeAction::nothing;
    std::size_t position_ = 0;  // in the procedure's steps
    std::uint64_t order_number_ = 0;
    std::map<std::uint64_t, Step> open_orders_;  // given and not answered, also of given up ones
    bool outbid_once_ = false;
    bool register_unread_ = false;  // it could not be read at the last attempt
    bool sync_ = false;             // the local server waits for the other at each commit
    bool following_ = false;        // the local copy follows the other node
    bool unpublished_ = false;      // a pair_up ended without enough agents
    bool alone_for_certain_ = false;
    bool may_have_let_act_ = false;

    std::optional<Vote> vote_;
    std::optional<PeerHeard> peer_;
    bool peer_is_out_ = false;
    KeyId peer_key_;  // newest key that told of the other's departure

    std::optional<ShutdownKey> key_;
    std::optional<ShutdownKey> waiting_order_;
    bool collecting_ = false;
    bool hurries_ = false;  // the program ends
    bool served_ = false;   // before draining
    bool drain_time_over_ = false;
    Departure departure_;
    MountsLeft mounts_;
};

}  // namespace agent::pair
