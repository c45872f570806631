#pragma once

// A controller node at work: feeds the rules of agent/pair/controller_node.hpp with what is heard,
// what the database shows and what clocks say, records before it acts, and carries out what they
// order. On the event loop's thread.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/message_catalogue.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/pair/acting_right.hpp"
#include "agent/pair/controller_node.hpp"
#include "agent/pair/node_watch.hpp"
#include "agent/pair/pair_message.hpp"
#include "agent/pair_node/database_door.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/pair_configuration.hpp"

namespace asio {
class io_context;
}

namespace agent::pair_node {

struct NodeDoors {
    // At most `attempts` times, in place of what was said before under the same `replaces`.
    std::function<void(const std::string& to, const std::string& replaces, const std::string& line,
                       std::uint32_t attempts)>
        say;
    // fence_old and judge_claims; `done` once, later, from the loop.
    std::function<void(const pair::Order& order, std::function<void(bool done)> done)> carry_out;
    std::function<pair::MountsLeft()> mounts_left;
    // Before anybody hears of a step: what it has taken away must be gone by then.
    std::function<void(const pair::ActingRight&)> lower;
    // Something that depends on right() or state() may be different now; from the loop, often.
    std::function<void()> changed;
    std::function<void(core::Message message, const std::vector<std::string>& words)> note;
    // Nothing can be recorded any more: the process has to end.
    std::function<void(const std::string& why)> broken;
    std::function<core::Now()> now = runtime::clock_now;
};

struct NodeOptions {
    runtime::NodePairConfiguration pair;
    std::string name;  // controller.id
    std::string store_file;
    std::uint64_t life = 0;  // random
};

class NodeRunner {
  public:
    // Errors: the store.
    [[nodiscard]] static core::Result<std::unique_ptr<NodeRunner>> open(
        asio::io_context& loop, NodeOptions options, std::unique_ptr<DatabaseDoor> database,
        NodeDoors doors);
    ~NodeRunner();

    // Begins when the database has told what the copy here holds.
    void start();
    // Before stop(): leaves service as by `pair shutdown --mode immediate` of this node, so that
    // the other one need not wait until this one is missed. `done` once, later, from the loop: when
    // the other one knows, when it could not be done, or after stop_timeout. At once where nobody
    // is there to hand over to. Nothing of it lasts: the next start comes back into service.
    void hand_over(std::function<void()> done);
    // Nothing more is begun, and nothing ordered.
    void stop();

    // From an authenticated agent or the other node. False: it may not say that, or nobody
    // understands it; nothing was changed.
    [[nodiscard]] bool hear(const std::string& from, const std::string& line);

    // ---- by people

    // Of this node, the other one or both; carried to all.
    [[nodiscard]] core::Result<pair::ShutdownKey> shut_down(pair::Subject subject,
                                                            pair::ShutdownMode mode,
                                                            const std::string& actor,
                                                            const std::string& reason);
    [[nodiscard]] core::Outcome recover();
    [[nodiscard]] core::Outcome forced_start();
    // An agent that has lost its register gets the present one. Errors: this node can not vouch for
    // it now.
    [[nodiscard]] core::Outcome enrol(const core::AgentName& agent);
    // All agents of a new pair. Errors: an agent has voted before.
    [[nodiscard]] core::Outcome found();

    // ---- to be shown

    [[nodiscard]] pair::ActingRight right() const;
    // Would it still act without the other node? Nothing while it does not, or asks nobody.
    [[nodiscard]] std::optional<bool> agents_consent() const;
    [[nodiscard]] bool started() const;
    [[nodiscard]] const pair::ControllerNode& rules() const;
    [[nodiscard]] const NodeOptions& options() const;
    [[nodiscard]] bool peer_is_silent() const;
    [[nodiscard]] std::optional<core::WallTime> peer_last_heard() const;
    [[nodiscard]] std::string why() const;  // of the present state
    [[nodiscard]] core::WallTime since() const;
    [[nodiscard]] std::optional<core::WallTime> agent_last_heard(const core::AgentName& name) const;
    [[nodiscard]] bool agent_is_heard(const core::AgentName& name, core::Duration within) const;
    // Who promises less than this node's heartbeats need, and in which words to say so.
    [[nodiscard]] const std::map<std::string, std::string>& worthless_promises() const;
    // The newest vote that was not a mere reading of the register, or did not even get that.
    [[nodiscard]] const std::optional<pair::Vote>& last_vote() const;
    [[nodiscard]] const std::vector<pair::ShutdownKey>& keys() const;  // seen in this life

  private:
    class Work;
    explicit NodeRunner(std::unique_ptr<Work> work);
    std::unique_ptr<Work> work_;
};

}  // namespace agent::pair_node
