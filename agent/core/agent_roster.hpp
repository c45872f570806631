#pragma once

// What is known of each agent by its own last word, "started" or "stopping", or by an
// administrator's, who has retired it: who has to answer a controller that takes over. Each node of
// a pair has a roster of its own beside the rows in the database of the pair, so that a node that
// has lost everything else waits for the same agents as the one before it.
//
// Of two words about one agent the newer one counts, whoever has heard it and whenever it is told:
// so rosters and rows may be put together in any order, and again.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/notice.hpp"

namespace agent::core {

struct AgentWord {
    AgentName agent;
    std::uint64_t era = 0;          // rises when it is retired: then any life may come next
    std::uint64_t incarnation = 0;  // 0: retired, and nothing was heard since
    bool stopping = false;
    bool operator==(const AgentWord&) const = default;
};

// Said later about the same agent. A life that said "stopping" never comes back: what comes late or
// is replayed is no news, as in the rules.
[[nodiscard]] bool is_newer(const AgentWord& word, const AgentWord& than);

class AgentRoster {
  public:
    // True when it is news, to be kept.
    bool hear(const AgentName& agent, std::uint64_t incarnation, bool stopping);
    // Of this era, or an earlier one: nothing.
    bool retire(const AgentName& agent, std::uint64_t era);

    [[nodiscard]] bool knows(const AgentName& agent) const { return words_.contains(agent); }
    [[nodiscard]] std::uint64_t era_of(const AgentName& agent) const;
    // Its life, by its newest word; nothing: that was another word, or there was none.
    [[nodiscard]] std::optional<std::uint64_t> started(const AgentName& agent) const;
    [[nodiscard]] std::optional<std::uint64_t> stopping(const AgentName& agent) const;

    // ---- beside the rows that are shared
    struct News {
        AgentWord word;
        bool is_first = false;    // nothing was known of it here
        bool is_new_era = false;  // it was retired, which this roster had not heard
    };
    // What the rows say, of agents that count here. The news among it are known from now on.
    std::vector<News> adopt(const std::vector<AgentWord>& rows);
    // There are no rows to compare with: nothing is to be told until they were adopted.
    void no_rows() { compared_ = false; }
    // What the rows do not say, or said before they were lost, of those of `agents`: the ones that
    // count here. Of others no row was adopted, and their rows are left alone.
    [[nodiscard]] std::vector<AgentWord> untold(const std::vector<AgentName>& agents) const;
    void told(const std::vector<AgentWord>& words);

    // A line to be kept beside the agent's name, and back. Words that can not be read are nothing:
    // the agent says it again.
    [[nodiscard]] std::string text_of(const AgentName& agent) const;
    void recall(const AgentName& agent, const std::string& text);

  private:
    struct Entry {
        AgentWord word;
        bool told = false;  // the rows say the same
    };
    bool take(const AgentWord& word);
    [[nodiscard]] std::optional<std::uint64_t> life_of(const AgentName& agent, bool stopping) const;

    std::map<AgentName, Entry> words_;
    bool compared_ = false;
};

}  // namespace agent::core
