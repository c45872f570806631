#pragma once

// When the state of a pair is worth an alarm. Pure: it is told the time and what this node sees.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation_agent_io.hpp"
#include "agent/core/time.hpp"
#include "agent/pair/node_table.hpp"
#include "agent/pair_node/replication_view.hpp"

namespace agent::lrad {

struct PairSeen {
    struct Voter {
        core::AgentName name;
        bool heard = false;         // within the time after which a node counts as dead
        bool unregistered = false;  // it has said so
    };
    std::string own;
    std::string other;
    pair::NodeState state = pair::NodeState::recovering;
    std::string why;  // of the state
    bool other_heard = false;
    bool receives = false;  // of a standby: what the other node writes comes in
    pair_node::Replication replication;
    std::vector<Voter> voters;
    std::map<std::string, std::string> short_promises;  // whose, and what is wrong
};

class PairAlarms {
  public:
    // To be called every second or so. Every alarm of the pair that is, or is over; what can not be
    // told at this moment is left out. What passes by within `patience` is no alarm.
    [[nodiscard]] std::vector<core::PairReported> judge(const PairSeen& seen, core::Instant now,
                                                        core::Duration patience);

  private:
    // Has it been bad for so long?
    [[nodiscard]] bool lasts(const std::string& what, bool bad, core::Instant now,
                             core::Duration patience);
    std::map<std::string, core::Instant> bad_since_;
};

}  // namespace agent::lrad
