#pragma once

// What agents have last said of themselves, "started" or "stopping", also while this node of a pair
// only watches: the rules of a watcher have no agents. Whoever takes over must not wait for a host
// that has left meanwhile.

#include <map>
#include <optional>
#include <string>

#include "agent/core/notice.hpp"

namespace agent::lrad {

class PresenceMemory {
  public:
    // True when it is news, to be kept. A life that said "stopping" never comes back: what comes
    // late or is replayed is no news, as in the rules.
    bool hear(const core::AgentPresence& said, bool stopping);

    // Any life may come next, also one that counts from 1 again.
    void forget(const core::AgentName& agent) { newest_.erase(agent); }

    // nullptr: nothing was ever heard, or the other.
    [[nodiscard]] const core::AgentPresence* started(const core::AgentName& agent) const;
    [[nodiscard]] const core::AgentPresence* stopping(const core::AgentName& agent) const;

    // A line to be kept beside the agent's name, and back. Words that can not be read are nothing:
    // the agent says it again.
    [[nodiscard]] std::string text_of(const core::AgentName& agent) const;
    void recall(const core::AgentName& agent, const std::string& text);

  private:
    struct Word {
        core::AgentPresence presence;
        bool stopping = false;
    };
    [[nodiscard]] const core::AgentPresence* find(const core::AgentName& agent,
                                                  bool stopping) const;

    std::map<core::AgentName, Word> newest_;
};

}  // namespace agent::lrad
