#pragma once

// A node's own copy of what a pair shares of retired agents, and what follows when it is compared
// with the shared rows. Pure: who stores and asks is shared_records.hpp.
//
// A retirement begins with an administrator's word at the node that serves and ends when the agent
// says "started", which both nodes hear. The row goes when either of them has told so; a row that
// is gone ends the retirement for the other one as well.

#include <map>
#include <string>
#include <vector>

#include "agent/core/notice.hpp"
#include "agent/postgres/agent_retirements.hpp"

namespace agent::lrad {

class RetirementLedger {
  public:
    // What is to be done to the shared rows.
    struct Change {
        postgres::AgentRetirement retirement;
        bool ended = false;
        bool operator==(const Change&) const = default;
    };

    // `id` is not empty and was never used before.
    void retire(const postgres::AgentRetirement& retirement);
    // The agent has said "started". True: it was retired, and what is kept of it has changed.
    bool returned(const core::AgentName& agent);
    // nullptr: it is not retired.
    [[nodiscard]] const postgres::AgentRetirement* find(const core::AgentName& agent) const;

    [[nodiscard]] std::vector<Change> untold() const;
    // True: what is kept of the agent has changed.
    bool told(const Change& change);

    struct Adopted {
        std::vector<postgres::AgentRetirement> retired;  // by the other node
        std::vector<core::AgentName> touched;            // what is kept of them has changed
    };
    Adopted adopt(const std::vector<postgres::AgentRetirement>& rows);

    // To be kept beside the agent's name, and back; empty: nothing is known. Words that can not be
    // read are nothing.
    [[nodiscard]] std::string text_of(const core::AgentName& agent) const;
    void recall(const core::AgentName& agent, const std::string& text);

  private:
    struct Entry {
        postgres::AgentRetirement retirement;
        bool ended = false;
        bool told = false;  // the shared rows say the same
    };
    std::map<core::AgentName, Entry> entries_;
};

}  // namespace agent::lrad
