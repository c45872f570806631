#pragma once

// What a controller node of a pair is, and what makes it something else.
//
//                              named_in_pair, then pair_ready
//   recovering ----------------------------------------------> primary <--------------+
//     |   |  \                                                   | standby_lost       | pair_ready
//     |   |   \  other_named          peer_missing               v                    |
//     |   |    +--------> standby ---------+               waiting_peer --------> primary_alone
//     |   | named_alone                    v                        votes, alone_ready    ^
//     |   +------------------------> taking_over -----------------------------------------+
//     | votes_missing, votes_refused         votes, alone_ready
//     +-------> offline (answers SYSTEM_OFFLINE, tries again)
//
// In every serving state lease_over leads to fenced, and a shutdown command by draining to
// shut_down. Only single, primary and primary_alone take requests.

#include <cstddef>
#include <cstdint>

#include "agent/core/transition_table.hpp"

namespace agent::pair {

enum class NodeState : std::uint8_t {
    single,         // no peer is configured
    recovering,     // finds out what it may be
    offline,        // may not serve, and nobody else is known to
    primary,        // serves; every commit waits for the other node's disk
    waiting_peer,   // the other's copy is gone: commits block
    primary_alone,  // serves with the agents' consent, without the other
    standby,        // receives what the other writes
    taking_over,    // asks to serve instead of the other, or is being promoted
    draining,       // ordered to leave: finishes what the mode lets it finish
    shut_down,      // out of service until it is started again
    fenced,         // stopped acting by itself, stops its database
};
inline constexpr std::size_t node_state_count = 11;

enum class NodeEvent : std::uint8_t {
    pair_ready,     // the procedure that leads to a serving pair is done
    alone_ready,    // the procedure that leads to serving alone is done
    standby_ready,  // the local copy follows the other node
    stopped,        // the local database is down
    step_failed,    // a step of the running procedure did not work
    votes_refused,  // the newest register forbids it
    votes_missing,  // not more than the threshold of agents agreed in time
    named_in_pair,  // the register: pair, this node its primary (or both nodes agree on it)
    named_alone,    // the register: alone, this node
    other_named,    // the register: the other node is the primary
    peer_missing,   // of no use for as long as the grace lasts, or its key says it left
    standby_there,  // the other's copy is as near as the present state can use
    standby_lost,   // the other's copy does not confirm any more
    lease_over,     // the time up to which nobody else may act is over
    database_lost,  // the local database ended by itself
    keys_stored,    // the shutdown key is where the mode wants it
    drained,        // nothing stands in the way of leaving
    retry_due,
    recover_ordered,       // by an operator
    forced_start_ordered,  // by an operator who answers for the other node being out of service
};
inline constexpr std::size_t node_event_count = 20;

enum class NodeAction : std::uint8_t {
    nothing,
    serve,
    // each of these is a procedure: procedure.hpp
    recover,
    resume_pair,
    resume_alone,
    follow,
    take_over,
    go_alone,
    pair_up,
    fence,
    drain,
    leave,
    forced_start,
};

using NodeRow = core::TransitionRow<NodeState, NodeEvent, NodeAction>;

inline constexpr NodeRow node_table[] = {
    // clang-format off
    {NodeState::single, NodeEvent::pair_ready, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::alone_ready, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::standby_ready, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::stopped, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::step_failed, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::votes_refused, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::votes_missing, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::named_in_pair, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::named_alone, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::other_named, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::peer_missing, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::standby_there, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::standby_lost, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::lease_over, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::database_lost, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::keys_stored, NodeState::draining, NodeAction::drain, "leaves in an orderly way"},
    {NodeState::single, NodeEvent::drained, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::retry_due, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::recover_ordered, NodeState::single, NodeAction::nothing, "has no peer"},
    {NodeState::single, NodeEvent::forced_start_ordered, NodeState::single, NodeAction::nothing, "has no peer"},

    {NodeState::recovering, NodeEvent::pair_ready, NodeState::primary, NodeAction::serve, "the pair is in service as before; claims of earlier epochs are judged"},
    {NodeState::recovering, NodeEvent::alone_ready, NodeState::primary_alone, NodeAction::serve, "serves alone; claims of earlier epochs are judged"},
    {NodeState::recovering, NodeEvent::standby_ready, NodeState::recovering, NodeAction::nothing, "left over from what was given up"},
    {NodeState::recovering, NodeEvent::stopped, NodeState::recovering, NodeAction::nothing, "left over from what was given up"},
    {NodeState::recovering, NodeEvent::step_failed, NodeState::offline, NodeAction::nothing, "tried again later"},
    {NodeState::recovering, NodeEvent::votes_refused, NodeState::offline, NodeAction::nothing, "other data are newer, or these are of another pair"},
    {NodeState::recovering, NodeEvent::votes_missing, NodeState::offline, NodeAction::nothing, "no majority of agents answers: nobody may serve alone"},
    {NodeState::recovering, NodeEvent::named_in_pair, NodeState::recovering, NodeAction::resume_pair, "both had everything: waits for the other"},
    {NodeState::recovering, NodeEvent::named_alone, NodeState::recovering, NodeAction::resume_alone, "served last, and alone"},
    {NodeState::recovering, NodeEvent::other_named, NodeState::standby, NodeAction::follow, "the other serves, or is the one to serve"},
    {NodeState::recovering, NodeEvent::peer_missing, NodeState::recovering, NodeAction::take_over, "the other has not come back: asks to serve alone"},
    {NodeState::recovering, NodeEvent::standby_there, NodeState::recovering, NodeAction::nothing, "the running step waits for it"},
    {NodeState::recovering, NodeEvent::standby_lost, NodeState::recovering, NodeAction::nothing, "the running step waits for it"},
    {NodeState::recovering, NodeEvent::lease_over, NodeState::recovering, NodeAction::nothing, "does not act"},
    {NodeState::recovering, NodeEvent::database_lost, NodeState::offline, NodeAction::nothing, "tried again later"},
    {NodeState::recovering, NodeEvent::keys_stored, NodeState::draining, NodeAction::drain, "nothing runs here"},
    {NodeState::recovering, NodeEvent::drained, NodeState::recovering, NodeAction::nothing, "left over from what was given up"},
    {NodeState::recovering, NodeEvent::retry_due, NodeState::recovering, NodeAction::nothing, "is at it"},
    {NodeState::recovering, NodeEvent::recover_ordered, NodeState::recovering, NodeAction::recover, "from the beginning"},
    {NodeState::recovering, NodeEvent::forced_start_ordered, NodeState::recovering, NodeAction::forced_start, "the operator answers for it"},

    {NodeState::offline, NodeEvent::pair_ready, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::alone_ready, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::standby_ready, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::stopped, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::step_failed, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::votes_refused, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::votes_missing, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::named_in_pair, NodeState::recovering, NodeAction::resume_pair, "both nodes see each other with the same epoch: no agent is needed"},
    {NodeState::offline, NodeEvent::named_alone, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::other_named, NodeState::standby, NodeAction::follow, "both nodes see each other with the same epoch: no agent is needed"},
    {NodeState::offline, NodeEvent::peer_missing, NodeState::offline, NodeAction::nothing, "asked again at the next retry"},
    {NodeState::offline, NodeEvent::standby_there, NodeState::offline, NodeAction::nothing, "does not serve"},
    {NodeState::offline, NodeEvent::standby_lost, NodeState::offline, NodeAction::nothing, "does not serve"},
    {NodeState::offline, NodeEvent::lease_over, NodeState::offline, NodeAction::nothing, "does not act"},
    {NodeState::offline, NodeEvent::database_lost, NodeState::offline, NodeAction::nothing, "does not serve"},
    {NodeState::offline, NodeEvent::keys_stored, NodeState::draining, NodeAction::drain, "nothing runs here"},
    {NodeState::offline, NodeEvent::drained, NodeState::offline, NodeAction::nothing, "left over from what was given up"},
    {NodeState::offline, NodeEvent::retry_due, NodeState::recovering, NodeAction::recover, "agents may be back"},
    {NodeState::offline, NodeEvent::recover_ordered, NodeState::recovering, NodeAction::recover, "the operator asks for it"},
    {NodeState::offline, NodeEvent::forced_start_ordered, NodeState::recovering, NodeAction::forced_start, "the operator answers for it"},

    {NodeState::primary, NodeEvent::pair_ready, NodeState::primary, NodeAction::nothing, "the register was read: this node is named in it"},
    {NodeState::primary, NodeEvent::alone_ready, NodeState::primary, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary, NodeEvent::standby_ready, NodeState::primary, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary, NodeEvent::stopped, NodeState::primary, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary, NodeEvent::step_failed, NodeState::waiting_peer, NodeAction::nothing, "the database did not confirm: no new claims until it does"},
    {NodeState::primary, NodeEvent::votes_refused, NodeState::fenced, NodeAction::fence, "the register names the other node"},
    {NodeState::primary, NodeEvent::votes_missing, NodeState::primary, NodeAction::nothing, "each commit still waits for the other node; read again later"},
    {NodeState::primary, NodeEvent::named_in_pair, NodeState::primary, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary, NodeEvent::named_alone, NodeState::primary, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary, NodeEvent::other_named, NodeState::primary, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary, NodeEvent::peer_missing, NodeState::primary, NodeAction::nothing, "its database confirms each commit: it is there"},
    {NodeState::primary, NodeEvent::standby_there, NodeState::primary, NodeAction::nothing, "as it should be"},
    {NodeState::primary, NodeEvent::standby_lost, NodeState::waiting_peer, NodeAction::nothing, "commits block; new requests are told to wait"},
    {NodeState::primary, NodeEvent::lease_over, NodeState::fenced, NodeAction::fence, "hears neither the other node nor enough agents: the other may take over soon"},
    {NodeState::primary, NodeEvent::database_lost, NodeState::recovering, NodeAction::recover, "what was not confirmed may be visible after its restart: begins anew"},
    {NodeState::primary, NodeEvent::keys_stored, NodeState::draining, NodeAction::drain, "leaves in an orderly way"},
    {NodeState::primary, NodeEvent::drained, NodeState::primary, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary, NodeEvent::retry_due, NodeState::primary, NodeAction::pair_up, "the register could not be read, or agents wait for a vote of the other: is named once more"},
    {NodeState::primary, NodeEvent::recover_ordered, NodeState::primary, NodeAction::nothing, "is in service"},
    {NodeState::primary, NodeEvent::forced_start_ordered, NodeState::primary, NodeAction::nothing, "is in service"},

    {NodeState::waiting_peer, NodeEvent::pair_ready, NodeState::primary, NodeAction::serve, "both have everything again"},
    {NodeState::waiting_peer, NodeEvent::alone_ready, NodeState::primary_alone, NodeAction::serve, "allowed to go on alone"},
    {NodeState::waiting_peer, NodeEvent::standby_ready, NodeState::waiting_peer, NodeAction::nothing, "left over from what was given up"},
    {NodeState::waiting_peer, NodeEvent::stopped, NodeState::waiting_peer, NodeAction::nothing, "left over from what was given up"},
    {NodeState::waiting_peer, NodeEvent::step_failed, NodeState::waiting_peer, NodeAction::nothing, "asked again when the other is still missing"},
    {NodeState::waiting_peer, NodeEvent::votes_refused, NodeState::fenced, NodeAction::fence, "the register names the other node"},
    {NodeState::waiting_peer, NodeEvent::votes_missing, NodeState::waiting_peer, NodeAction::nothing, "asked again when the other is still missing"},
    {NodeState::waiting_peer, NodeEvent::named_in_pair, NodeState::waiting_peer, NodeAction::nothing, "left over from what was given up"},
    {NodeState::waiting_peer, NodeEvent::named_alone, NodeState::waiting_peer, NodeAction::nothing, "left over from what was given up"},
    {NodeState::waiting_peer, NodeEvent::other_named, NodeState::waiting_peer, NodeAction::nothing, "left over from what was given up"},
    {NodeState::waiting_peer, NodeEvent::peer_missing, NodeState::waiting_peer, NodeAction::go_alone, "asks the agents whether it may go on alone"},
    {NodeState::waiting_peer, NodeEvent::standby_there, NodeState::primary, NodeAction::pair_up, "confirms again; the register is set right in case a vote was under way"},
    {NodeState::waiting_peer, NodeEvent::standby_lost, NodeState::waiting_peer, NodeAction::nothing, "known"},
    {NodeState::waiting_peer, NodeEvent::lease_over, NodeState::fenced, NodeAction::fence, "hears neither the other node nor enough agents: the other may take over soon"},
    {NodeState::waiting_peer, NodeEvent::database_lost, NodeState::recovering, NodeAction::recover, "what was not confirmed may be visible after its restart: begins anew"},
    {NodeState::waiting_peer, NodeEvent::keys_stored, NodeState::draining, NodeAction::drain, "leaves in an orderly way"},
    {NodeState::waiting_peer, NodeEvent::drained, NodeState::waiting_peer, NodeAction::nothing, "left over from what was given up"},
    {NodeState::waiting_peer, NodeEvent::retry_due, NodeState::waiting_peer, NodeAction::nothing, "waits for the other"},
    {NodeState::waiting_peer, NodeEvent::recover_ordered, NodeState::waiting_peer, NodeAction::nothing, "is at it"},
    {NodeState::waiting_peer, NodeEvent::forced_start_ordered, NodeState::waiting_peer, NodeAction::nothing, "votes come first: from offline only"},

    {NodeState::primary_alone, NodeEvent::pair_ready, NodeState::primary, NodeAction::serve, "both have everything, and the register says so"},
    {NodeState::primary_alone, NodeEvent::alone_ready, NodeState::primary_alone, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary_alone, NodeEvent::standby_ready, NodeState::primary_alone, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary_alone, NodeEvent::stopped, NodeState::primary_alone, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary_alone, NodeEvent::step_failed, NodeState::waiting_peer, NodeAction::go_alone, "the other went away while it was taken in: the agents are asked again"},
    {NodeState::primary_alone, NodeEvent::votes_refused, NodeState::fenced, NodeAction::fence, "the register names the other node"},
    {NodeState::primary_alone, NodeEvent::votes_missing, NodeState::primary_alone, NodeAction::nothing, "commits wait for the other from now on; published when agents answer"},
    {NodeState::primary_alone, NodeEvent::named_in_pair, NodeState::primary_alone, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary_alone, NodeEvent::named_alone, NodeState::primary_alone, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary_alone, NodeEvent::other_named, NodeState::primary_alone, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary_alone, NodeEvent::peer_missing, NodeState::primary_alone, NodeAction::nothing, "known"},
    {NodeState::primary_alone, NodeEvent::standby_there, NodeState::primary_alone, NodeAction::pair_up, "takes the other in"},
    {NodeState::primary_alone, NodeEvent::standby_lost, NodeState::waiting_peer, NodeAction::go_alone, "the other went away while it was taken in: the agents are asked again"},
    {NodeState::primary_alone, NodeEvent::lease_over, NodeState::fenced, NodeAction::fence, "the pair may have been published already, and the other may take over"},
    {NodeState::primary_alone, NodeEvent::database_lost, NodeState::recovering, NodeAction::recover, "begins anew"},
    {NodeState::primary_alone, NodeEvent::keys_stored, NodeState::draining, NodeAction::drain, "leaves in an orderly way"},
    {NodeState::primary_alone, NodeEvent::drained, NodeState::primary_alone, NodeAction::nothing, "left over from what was given up"},
    {NodeState::primary_alone, NodeEvent::retry_due, NodeState::primary_alone, NodeAction::pair_up, "the pair could not be published"},
    {NodeState::primary_alone, NodeEvent::recover_ordered, NodeState::primary_alone, NodeAction::nothing, "is in service"},
    {NodeState::primary_alone, NodeEvent::forced_start_ordered, NodeState::primary_alone, NodeAction::nothing, "is in service"},

    {NodeState::standby, NodeEvent::pair_ready, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::alone_ready, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::standby_ready, NodeState::standby, NodeAction::nothing, "receives what the other writes"},
    {NodeState::standby, NodeEvent::stopped, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::step_failed, NodeState::standby, NodeAction::nothing, "tried again later"},
    {NodeState::standby, NodeEvent::votes_refused, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::votes_missing, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::named_in_pair, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::named_alone, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::other_named, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::peer_missing, NodeState::taking_over, NodeAction::take_over, "asks the agents whether it may serve instead"},
    {NodeState::standby, NodeEvent::standby_there, NodeState::standby, NodeAction::nothing, "is the standby itself"},
    {NodeState::standby, NodeEvent::standby_lost, NodeState::standby, NodeAction::nothing, "is the standby itself"},
    {NodeState::standby, NodeEvent::lease_over, NodeState::standby, NodeAction::nothing, "does not act"},
    {NodeState::standby, NodeEvent::database_lost, NodeState::standby, NodeAction::follow, "its own copy stopped"},
    {NodeState::standby, NodeEvent::keys_stored, NodeState::draining, NodeAction::drain, "leaves in an orderly way"},
    {NodeState::standby, NodeEvent::drained, NodeState::standby, NodeAction::nothing, "left over from what was given up"},
    {NodeState::standby, NodeEvent::retry_due, NodeState::standby, NodeAction::follow, "the other could not be followed"},
    {NodeState::standby, NodeEvent::recover_ordered, NodeState::recovering, NodeAction::recover, "the operator asks for it"},
    {NodeState::standby, NodeEvent::forced_start_ordered, NodeState::recovering, NodeAction::forced_start, "the operator answers for it"},

    {NodeState::taking_over, NodeEvent::pair_ready, NodeState::taking_over, NodeAction::nothing, "left over from what was given up"},
    {NodeState::taking_over, NodeEvent::alone_ready, NodeState::primary_alone, NodeAction::serve, "has everything, was promoted, has judged the claims of the other"},
    {NodeState::taking_over, NodeEvent::standby_ready, NodeState::taking_over, NodeAction::nothing, "left over from what was given up"},
    {NodeState::taking_over, NodeEvent::stopped, NodeState::taking_over, NodeAction::nothing, "left over from what was given up"},
    {NodeState::taking_over, NodeEvent::step_failed, NodeState::recovering, NodeAction::recover, "may be named already: reads the register"},
    {NodeState::taking_over, NodeEvent::votes_refused, NodeState::offline, NodeAction::nothing, "this copy is not the newest: the other node has to be started"},
    {NodeState::taking_over, NodeEvent::votes_missing, NodeState::standby, NodeAction::follow, "too few agents agree; the other may be back"},
    {NodeState::taking_over, NodeEvent::named_in_pair, NodeState::taking_over, NodeAction::nothing, "left over from what was given up"},
    {NodeState::taking_over, NodeEvent::named_alone, NodeState::taking_over, NodeAction::nothing, "left over from what was given up"},
    {NodeState::taking_over, NodeEvent::other_named, NodeState::taking_over, NodeAction::nothing, "left over from what was given up"},
    {NodeState::taking_over, NodeEvent::peer_missing, NodeState::taking_over, NodeAction::nothing, "is at it"},
    {NodeState::taking_over, NodeEvent::standby_there, NodeState::taking_over, NodeAction::nothing, "the vote is under way"},
    {NodeState::taking_over, NodeEvent::standby_lost, NodeState::taking_over, NodeAction::nothing, "the vote is under way"},
    {NodeState::taking_over, NodeEvent::lease_over, NodeState::taking_over, NodeAction::nothing, "does not act yet"},
    {NodeState::taking_over, NodeEvent::database_lost, NodeState::recovering, NodeAction::recover, "may be named already: reads the register"},
    {NodeState::taking_over, NodeEvent::keys_stored, NodeState::draining, NodeAction::drain, "leaves in an orderly way"},
    {NodeState::taking_over, NodeEvent::drained, NodeState::taking_over, NodeAction::nothing, "left over from what was given up"},
    {NodeState::taking_over, NodeEvent::retry_due, NodeState::taking_over, NodeAction::nothing, "is at it"},
    {NodeState::taking_over, NodeEvent::recover_ordered, NodeState::taking_over, NodeAction::nothing, "is at it"},
    {NodeState::taking_over, NodeEvent::forced_start_ordered, NodeState::taking_over, NodeAction::nothing, "votes come first: from offline only"},

    {NodeState::draining, NodeEvent::pair_ready, NodeState::draining, NodeAction::nothing, "left over from what was given up"},
    {NodeState::draining, NodeEvent::alone_ready, NodeState::draining, NodeAction::nothing, "left over from what was given up"},
    {NodeState::draining, NodeEvent::standby_ready, NodeState::draining, NodeAction::nothing, "left over from what was given up"},
    {NodeState::draining, NodeEvent::stopped, NodeState::shut_down, NodeAction::nothing, "out of service; its key says how"},
    {NodeState::draining, NodeEvent::step_failed, NodeState::shut_down, NodeAction::nothing, "stopped, and not cleanly"},
    {NodeState::draining, NodeEvent::votes_refused, NodeState::draining, NodeAction::nothing, "left over from what was given up"},
    {NodeState::draining, NodeEvent::votes_missing, NodeState::draining, NodeAction::nothing, "left over from what was given up"},
    {NodeState::draining, NodeEvent::named_in_pair, NodeState::draining, NodeAction::nothing, "left over from what was given up"},
    {NodeState::draining, NodeEvent::named_alone, NodeState::draining, NodeAction::nothing, "left over from what was given up"},
    {NodeState::draining, NodeEvent::other_named, NodeState::draining, NodeAction::nothing, "left over from what was given up"},
    {NodeState::draining, NodeEvent::peer_missing, NodeState::draining, NodeAction::nothing, "leaves anyway"},
    {NodeState::draining, NodeEvent::standby_there, NodeState::draining, NodeAction::nothing, "leaves anyway"},
    {NodeState::draining, NodeEvent::standby_lost, NodeState::draining, NodeAction::nothing, "leaves anyway"},
    {NodeState::draining, NodeEvent::lease_over, NodeState::draining, NodeAction::fence, "no time is left: stops at once, not cleanly"},
    {NodeState::draining, NodeEvent::database_lost, NodeState::shut_down, NodeAction::nothing, "stopped, and not cleanly"},
    {NodeState::draining, NodeEvent::keys_stored, NodeState::draining, NodeAction::nothing, "a repeat"},
    {NodeState::draining, NodeEvent::drained, NodeState::draining, NodeAction::leave, "nothing stands in the way any more"},
    {NodeState::draining, NodeEvent::retry_due, NodeState::draining, NodeAction::nothing, "leaves anyway"},
    {NodeState::draining, NodeEvent::recover_ordered, NodeState::draining, NodeAction::nothing, "first out, then in"},
    {NodeState::draining, NodeEvent::forced_start_ordered, NodeState::draining, NodeAction::nothing, "first out, then in"},

    {NodeState::shut_down, NodeEvent::pair_ready, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::alone_ready, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::standby_ready, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::stopped, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::step_failed, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::votes_refused, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::votes_missing, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::named_in_pair, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::named_alone, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::other_named, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::peer_missing, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::standby_there, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::standby_lost, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::lease_over, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::database_lost, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::keys_stored, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::drained, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::retry_due, NodeState::shut_down, NodeAction::nothing, "out of service until it is started"},
    {NodeState::shut_down, NodeEvent::recover_ordered, NodeState::recovering, NodeAction::recover, "the operator asks for it"},
    {NodeState::shut_down, NodeEvent::forced_start_ordered, NodeState::recovering, NodeAction::forced_start, "the operator answers for it"},

    {NodeState::fenced, NodeEvent::pair_ready, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::alone_ready, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::standby_ready, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::stopped, NodeState::recovering, NodeAction::recover, "nothing runs here any more: reads the register"},
    {NodeState::fenced, NodeEvent::step_failed, NodeState::fenced, NodeAction::fence, "its database must stop"},
    {NodeState::fenced, NodeEvent::votes_refused, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::votes_missing, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::named_in_pair, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::named_alone, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::other_named, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::peer_missing, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::standby_there, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::standby_lost, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::lease_over, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::database_lost, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::keys_stored, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::drained, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::retry_due, NodeState::fenced, NodeAction::fence, "its database must stop"},
    {NodeState::fenced, NodeEvent::recover_ordered, NodeState::fenced, NodeAction::nothing, "stops first"},
    {NodeState::fenced, NodeEvent::forced_start_ordered, NodeState::fenced, NodeAction::nothing, "stops first"},
    // clang-format on
};

static_assert(core::one_row_per_pair(node_table, node_state_count, node_event_count));

// May a node in this state take requests and command devices? (until its lease is over)
[[nodiscard]] constexpr bool takes_requests(NodeState state) {
    return state == NodeState::single || state == NodeState::primary ||
           state == NodeState::primary_alone;
}
// May it go on with what it has begun?
[[nodiscard]] constexpr bool may_finish(NodeState state) {
    return takes_requests(state) || state == NodeState::waiting_peer ||
           state == NodeState::draining;
}

[[nodiscard]] std::string_view to_text(NodeState value);
[[nodiscard]] std::string_view to_text(NodeEvent value);
[[nodiscard]] std::string_view to_text(NodeAction value);

}  // namespace agent::pair
