#include "agent/lrad/pair_alarms.hpp"

#include "agent/pair/node_table.hpp"

namespace agent::lrad {

using core::AlarmKind;
using core::PairReported;
using pair::NodeState;
using Standby = pair::DataSeen::Standby;

namespace {

// Of log that the other copy does not have; a standby that confirms has next to none.
constexpr std::uint64_t lag_max = 16U << 20U;
// A node that finds out what it may be does so within some of these times.
constexpr std::int64_t patiences_of_a_start = 6;

bool serves(NodeState state) {
    return state == NodeState::single || state == NodeState::primary ||
           state == NodeState::primary_alone;
}

// Between states nothing is new.
bool is_on_its_way(NodeState state) {
    return state == NodeState::recovering || state == NodeState::taking_over ||
           state == NodeState::draining || state == NodeState::waiting_peer;
}

std::string words_of_copies(const PairSeen& seen) {
    if (seen.state == NodeState::standby) {
        return seen.receives
                   ? "node " + seen.own + " receives what node " + seen.other + " writes"
                   : "nothing that node " + seen.other + " writes reaches node " + seen.own;
    }
    std::string words = "the copy of node " + seen.other + " is ";
    words += seen.replication.copy == Standby::none
                 ? std::string("not following")
                 : std::string(pair_node::to_text(seen.replication.copy));
    if (seen.replication.lag)
        words += ", " + std::to_string(*seen.replication.lag) + " bytes of log apart";
    return words;
}

bool copies_differ(const PairSeen& seen) {
    if (seen.replication.lag && *seen.replication.lag > lag_max) return true;
    if (seen.state == NodeState::standby) return !seen.receives;
    return seen.replication.copy != Standby::in_sync;
}

}  // namespace

bool PairAlarms::lasts(const std::string& what, bool bad, core::Instant now,
                       core::Duration patience) {
    if (!bad) {
        bad_since_.erase(what);
        return false;
    }
    const auto since = bad_since_.try_emplace(what, now).first->second;
    return now - since >= patience;
}

std::vector<PairReported> PairAlarms::judge(const PairSeen& seen, core::Instant now,
                                            core::Duration patience) {
    std::vector<PairReported> all;
    const std::string is_state =
        "node " + seen.own + " is " + std::string(pair::to_text(seen.state));

    const bool out = seen.state == NodeState::offline || seen.state == NodeState::shut_down ||
                     seen.state == NodeState::fenced;
    const bool alone = seen.state == NodeState::primary_alone;
    if (serves(seen.state) || seen.state == NodeState::standby || out) {
        all.push_back({AlarmKind::pair_alone,
                       {},
                       alone,
                       is_state + (alone ? ", node " + seen.other + " takes no part" : "")});
    }

    const bool on_its_way = is_on_its_way(seen.state);
    const bool stuck = lasts("start", on_its_way || out, now, {patience.ms * patiences_of_a_start});
    if (out || stuck || !on_its_way) {
        all.push_back({AlarmKind::pair_out_of_service,
                       {},
                       out || stuck,
                       out || stuck ? is_state + ": " + seen.why : is_state});
    }

    const bool silent = lasts("peer", !seen.other_heard, now, patience);
    if (silent || seen.other_heard)
        all.push_back({AlarmKind::pair_peer_silent, {}, silent, "node " + seen.other});

    // Who serves alone has no other copy to look at, and says so already.
    const bool has_copies = seen.state == NodeState::primary ||
                            seen.state == NodeState::waiting_peer ||
                            seen.state == NodeState::standby;
    const bool differ = lasts("copies", has_copies && copies_differ(seen), now, patience);
    if (differ || !has_copies || !copies_differ(seen)) {
        all.push_back({AlarmKind::pair_copy_behind,
                       {},
                       differ,
                       has_copies ? words_of_copies(seen) : is_state});
    }

    for (const auto& voter : seen.voters) {
        // Who takes no part asks nobody, and begins to wait when it does again.
        if (on_its_way || out) {
            bad_since_.erase("voter " + voter.name);
            if (out) all.push_back({AlarmKind::pair_voter_missing, voter.name, false, is_state});
            continue;
        }
        const bool missing = lasts("voter " + voter.name, !voter.heard, now, patience);
        if (!missing && !voter.heard && !voter.unregistered) continue;
        const std::string agent = "agent " + voter.name;
        const bool bad = missing || voter.unregistered;
        all.push_back({AlarmKind::pair_voter_missing, voter.name, bad,
                       missing ? agent + " is not heard"
                       : voter.unregistered
                           ? agent + " says that it has no register (not_registered)"
                           : agent + " is heard and votes"});
    }
    std::vector<std::string> promising{seen.other};
    for (const auto& voter : seen.voters)
        promising.push_back(voter.name);
    for (const auto& name : promising) {
        const auto found = seen.short_promises.find(name);
        const bool is_short = found != seen.short_promises.end();
        all.push_back({AlarmKind::pair_promise_short, name, is_short,
                       is_short ? found->second : "that of " + name});
    }
    return all;
}

}  // namespace agent::lrad
