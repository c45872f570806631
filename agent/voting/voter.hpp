#pragma once

// A voting agent at work: feeds the rules of agent/pair/voting_agent.hpp with what is heard and
// what clocks say, puts on disk what they want kept before anything of the step is said, and says
// the rest. On the event loop's thread.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/message_catalogue.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/pair/pair_message.hpp"
#include "agent/pair/voting_agent.hpp"
#include "agent/runtime/pair_configuration.hpp"

namespace asio {
class io_context;
}

namespace agent::voting {

struct VoterDoors {
    // To a node or another agent, by its name; at most `attempts` times, in place of what was said
    // to it before under the same `replaces`. `taken`: the other end took it, at most once, later.
    std::function<void(const std::string& to, const std::string& replaces, const std::string& line,
                       std::uint32_t attempts, std::function<void()> taken)>
        say;
    std::function<void(core::Message message, const std::vector<std::string>& words)> note;
    // Nothing can be recorded any more: the process has to end.
    std::function<void(const std::string& why)> broken;
};

class Voter {
  public:
    // What a node has said of itself last.
    struct NodeHeard {
        pair::NodeState state = pair::NodeState::recovering;
        bool serves = false;
        std::uint64_t epoch = 0;
        core::WallTime at;
        core::Instant monotonic;
    };

    // Errors: the store in `state_dir`.
    [[nodiscard]] static core::Result<std::unique_ptr<Voter>> open(
        asio::io_context& loop, const core::AgentName& agent,
        runtime::VoterPairConfiguration configuration, const std::string& state_dir,
        VoterDoors doors);
    ~Voter();

    void start();
    // From an authenticated node or agent. False: it may not say that, or nobody understands it;
    // nothing was changed. True: it is dealt with, and what it wanted kept is on disk.
    [[nodiscard]] bool hear(const std::string& from, const std::string& line);

    // Carried to both nodes and all agents. Errors: this agent has no register.
    [[nodiscard]] core::Result<pair::ShutdownKey> shut_down(pair::Subject subject,
                                                            pair::ShutdownMode mode,
                                                            const std::string& actor,
                                                            const std::string& reason);
    void set_hold(bool hold, const std::string& actor, const std::string& reason);

    // Is what this controller says about drives to be believed? Not of a node of the pair while the
    // other one was heard to serve after it.
    [[nodiscard]] bool speaks_for_the_library(const core::ControllerName& controller) const;

    [[nodiscard]] const runtime::VoterPairConfiguration& configuration() const;
    [[nodiscard]] const pair::VotingAgent& rules() const;
    [[nodiscard]] const std::optional<NodeHeard>& heard(pair::Node node) const;

  private:
    class Work;
    explicit Voter(std::unique_ptr<Work> work);
    std::unique_ptr<Work> work_;
};

}  // namespace agent::voting
